package guide_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "gocloud.dev/blob/fileblob"

	"github.com/longshore-dev/longshore/runtime"
)

// The file of the page is read, and its program works with a directory in place of the
// bucket.
func TestWorkWithPayloads(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-west-1")
	file := blocks(pages(t)["payloads.md"], "yaml")[0]
	config, err := runtime.ReadConfig(write(t, file))
	if err != nil || config.PayloadSettings.URL != "s3://shop-payloads?region=eu-west-1&prefix=reports/" {
		t.Fatalf("%+v, %v", config, err)
	}
	dir := t.TempDir()
	file = strings.NewReplacer("sqs://reports?region=${AWS_REGION}", "mem://guide-payloads",
		"s3://shop-payloads?region=${AWS_REGION}&", "file://"+filepath.ToSlash(dir)+"?").Replace(file)
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	report := Report{Text: strings.Repeat("report ", 1<<20)}
	err = workWithPayloads(ctx, write(t, file), report, func(got Report) {
		if got != report {
			t.Errorf("the handler gets %d bytes", len(got.Text))
		}
		stop()
	})
	if objects, none := os.ReadDir(filepath.Join(dir, "reports")); err != nil || none != nil || len(objects) != 1 {
		t.Errorf("%v, and %d objects (%v)", err, len(objects), none)
	}
}
