// Command standin is a Terraform provider that knows the form of the resources of
// Google or Azure and makes none. With it terraform validate and terraform test with a
// mock provider work where the real provider cannot be had. terraform/test.sh builds it
// under the name of the provider that it stands in for, terraform-provider-google or
// terraform-provider-azurerm, and lets Terraform find it; it is of no other use.
//
// The forms are in google.json and azurerm.json, as terraform providers schema -json
// prints them: those that the modules here use, cut to what they use and what is
// required. Those of Azure's and Google's storage were written by hand after their
// documentation. Those of hashicorp/google are of version 6.50.0; those of Cloud Run, of who
// may act as a service account, of a push and of the denominator of an alert were written
// by hand, the worker pool's and most of the service's after its source at commits
// 078e0771afcf and 001e94bd8974. Those of hashicorp/azurerm
// were read in its source at commit fae580791926, some days after version 5.2.0; by its
// guide to upgrading to 5.0 all that the modules use has the same names in 4.x. What the
// real provider checks beyond the form (a range, a word among several) is not checked
// here.
//
// It speaks version 6 of Terraform's plugin protocol, gRPC without TLS, which needs
// TF_DISABLE_PLUGIN_TLS=1. Source: Terraform, "Terraform Plugin Protocol".
package main

import (
	"context"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

//go:embed google.json azurerm.json
var forms embed.FS

// life is for how long it runs at most, should nobody end it.
const life = 10 * time.Minute

func main() {
	if err := run(); err != nil {
		log.Fatalln("standin:", err)
	}
}

func run() error {
	if os.Getenv("TF_PLUGIN_MAGIC_COOKIE") == "" {
		return errors.New("this is a plugin that Terraform starts; see terraform/test.sh")
	}
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "terraform-provider-")
	form, err := forms.ReadFile(name + ".json")
	if err != nil {
		return fmt.Errorf("no form of provider %q: %w", name, err)
	}
	schema, err := encodeProvider(form)
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(context.Background(), life)
	defer stop()
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: handler(schema, stop), Protocols: protocols, ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	fmt.Fprintf(os.Stdout, "1|6|tcp|%s|grpc|\n", l.Addr())
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		_ = server.Close() // a stream that Terraform keeps open
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// handler answers what validate and a mock provider ask for. Everything else is
// unimplemented, as there is nothing behind.
func handler(schema []byte, stop func()) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/tfplugin6.Provider/GetProviderSchema", answer(schema))
	for _, method := range []string{"ValidateProviderConfig", "ValidateResourceConfig", "ValidateDataResourceConfig", "StopProvider"} {
		mux.HandleFunc("/tfplugin6.Provider/"+method, answer(nil))
	}
	mux.HandleFunc("/plugin.GRPCController/Shutdown", func(w http.ResponseWriter, r *http.Request) {
		answer(nil)(w, r)
		stop()
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		const unimplemented = "12"
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Grpc-Status", unimplemented)
	})
	return mux
}

// answer is a unary method of gRPC that takes anything and returns message.
func answer(message []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // what is asked does not matter
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		frame := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
		_, _ = w.Write(append(frame, message...))
		w.Header().Set("Grpc-Status", "0")
	}
}
