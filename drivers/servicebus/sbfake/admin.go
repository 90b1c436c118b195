package sbfake

import (
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"

	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake/internal/broker"
)

// AdminOptions are those of a client of the administration, package admin of
// azservicebus, that reaches this server in memory.
func (s *Server) AdminOptions() *admin.ClientOptions {
	return &admin.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: transport{s.AdminHandler()}}}
}

// transport answers requests in memory.
type transport struct{ handler http.Handler }

func (t transport) Do(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	answer := httptest.NewRecorder()
	t.handler.ServeHTTP(answer, r)
	if answer.Header().Get(cutHeader) != "" {
		return nil, errors.New("sbfake: the connection was cut")
	}
	response := answer.Result()
	response.Request = r
	return response, nil
}

// cutHeader says that a request has no answer.
const cutHeader = "Sbfake-Cut"

// AdminHandler answers requests to the administration of queues ("Service Bus REST
// API: Atom"). The client of azservicebus speaks HTTPS only: serve it by an
// httptest.Server with TLS, or use AdminOptions.
func (s *Server) AdminHandler() http.Handler { return http.HandlerFunc(s.administer) }

// queuesPath lists all queues.
const queuesPath = "$Resources/Queues"

func (s *Server) administer(w http.ResponseWriter, r *http.Request) {
	name := strings.Trim(r.URL.Path, "/")
	f := s.strike(OpAdmin, name)
	if f != nil && f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		}
	}
	if !f.prevents() {
		answer := httptest.NewRecorder()
		s.administrate(answer, r, name)
		if f == nil || !f.Cut && !f.Silent && !f.refuses() {
			maps.Copy(w.Header(), answer.Header())
			w.WriteHeader(answer.Code)
			_, _ = w.Write(answer.Body.Bytes()) // who asked may have gone
			return
		}
	}
	if f.Cut || f.Silent {
		if _, memory := w.(*httptest.ResponseRecorder); !memory {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set(cutHeader, "yes")
		return
	}
	refuseAdmin(w, f.status(), "SubCode=40000. The request is refused.")
}

func (s *Server) administrate(w http.ResponseWriter, r *http.Request, name string) {
	if token := r.Header.Get("Authorization"); !strings.HasPrefix(token, "Bearer ") {
		if err := s.checkSignature(token); err != nil {
			refuseAdmin(w, http.StatusUnauthorized, "SubCode=40103: "+err.Error())
			return
		}
	}
	switch r.Method {
	case http.MethodGet:
		if strings.EqualFold(name, queuesPath) {
			s.adminList(w, r.URL.Query())
			return
		}
		s.adminGet(w, name, http.StatusOK)
	case http.MethodPut:
		s.adminPut(w, r, name)
	case http.MethodDelete:
		if !s.DeleteQueue(name) {
			refuseAdmin(w, http.StatusNotFound, fmt.Sprintf("SubCode=40400. Not Found. The queue '%s' does not exist.", name))
		}
	default:
		refuseAdmin(w, http.StatusMethodNotAllowed, "The method is not allowed.")
	}
}

func (s *Server) adminGet(w http.ResponseWriter, name string, status int) {
	e, ok := s.entry(name)
	if !ok {
		// This is how the service says that there is no such entity.
		writeXML(w, http.StatusOK, feed{Title: "Publicly Listed Services"})
		return
	}
	writeXML(w, status, e)
}

func (s *Server) adminList(w http.ResponseWriter, q url.Values) {
	skip, _ := strconv.Atoi(q.Get("$skip"))
	top, err := strconv.Atoi(q.Get("$top"))
	if err != nil || top <= 0 {
		top = 100
	}
	f := feed{Title: "Queues"}
	for i, name := range s.Queues() {
		if e, ok := s.entry(name); ok && i >= skip && len(f.Entries) < top {
			f.Entries = append(f.Entries, e)
		}
	}
	writeXML(w, http.StatusOK, f)
}

// maxAdminBody is more than any description of a queue.
const maxAdminBody = 1 << 20

func (s *Server) adminPut(w http.ResponseWriter, r *http.Request, name string) {
	var e entry
	if err := xml.NewDecoder(http.MaxBytesReader(w, r.Body, maxAdminBody)).Decode(&e); err != nil {
		refuseAdmin(w, http.StatusBadRequest, "SubCode=40000. The description cannot be read: "+err.Error())
		return
	}
	c, err := e.Content.Queue.config()
	status := http.StatusCreated
	switch {
	case err != nil:
	case r.Header.Get("If-Match") != "":
		status = http.StatusOK
		err = s.UpdateQueue(name, c)
	default:
		err = s.CreateQueue(name, c)
	}
	if err != nil {
		code := http.StatusBadRequest
		if b, ok := errors.AsType[*broker.Error](err); ok {
			code = b.Status
		}
		refuseAdmin(w, code, "SubCode="+strconv.Itoa(100*code)+". "+err.Error())
		return
	}
	s.adminGet(w, name, status)
}

func refuseAdmin(w http.ResponseWriter, status int, detail string) {
	writeXML(w, status, adminError{Code: status, Detail: detail})
}

func writeXML(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/atom+xml;type=entry;charset=utf-8")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(v) // who asked may have gone
}
