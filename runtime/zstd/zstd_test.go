package zstd_test

import (
	"bytes"
	"crypto/rand"
	"strings"
	"sync"
	"testing"

	kzstd "github.com/klauspost/compress/zstd"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime/zstd"
)

func TestItComesBack(t *testing.T) {
	c := zstd.New()
	noise := make([]byte, 100_000)
	_, _ = rand.Read(noise)
	for name, data := range map[string][]byte{"text": []byte(strings.Repeat(`{"a":1}`, 10_000)), "noise": noise, "one byte": {7}} {
		small := c.Compress(data)
		whole, err := c.Decompress(small, len(data))
		if err != nil || !bytes.Equal(whole, data) {
			t.Errorf("%s: %d bytes come back as %d (%v)", name, len(data), len(whole), err)
		}
		if name == "text" && len(small) > len(data)/20 {
			t.Errorf("%s: %d bytes take %d", name, len(data), len(small))
		}
	}
}

// A bomb is refused whether its frame tells its size or not.
func TestABombIsRefused(t *testing.T) {
	c := zstd.New()
	const limit = 1 << 20
	zeros := make([]byte, 64<<20)
	told := c.Compress(zeros)
	var silent bytes.Buffer
	w, err := kzstd.NewWriter(&silent)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(zeros); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	many := bytes.Repeat(c.Compress(zeros[:limit/2]), 100)
	for name, bomb := range map[string][]byte{"with its size": told, "without": silent.Bytes(), "in many frames": many} {
		if len(bomb) > limit/10 {
			t.Fatalf("%s: the bomb has %d bytes", name, len(bomb))
		}
		if _, err := c.Decompress(bomb, limit); !driver.Is(err, driver.TooLarge) {
			t.Errorf("%s: %v; want too large", name, err)
		}
		if got, err := c.Decompress(c.Compress(zeros[:limit]), limit); err != nil || len(got) != limit {
			t.Errorf("%s: what is as large as it may be is refused then: %v", name, err)
		}
	}
}

func TestWhatIsNotWholeIsRefused(t *testing.T) {
	c := zstd.New()
	good := c.Compress([]byte(strings.Repeat("payload ", 1000)))
	bent := bytes.Clone(good)
	bent[len(bent)-1] ^= 1 // of the checksum
	for name, data := range map[string][]byte{"cut": good[:len(good)-5], "bent": bent, "text": []byte("hunter2")} {
		if _, err := c.Decompress(data, 1<<20); !driver.Is(err, driver.InvalidArgument) {
			t.Errorf("%s: %v; want invalid argument", name, err)
		}
	}
}

func TestItIsSafeForConcurrentUse(t *testing.T) {
	c := zstd.New()
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			data := bytes.Repeat([]byte{byte(i)}, 10_000+i)
			for range 50 {
				if got, err := c.Decompress(c.Compress(data), 20_000+i%2); err != nil || !bytes.Equal(got, data) {
					t.Errorf("%d: %v", i, err)
				}
			}
		})
	}
	all.Wait()
}

// FuzzDecompress looks for data that takes more than it may, or ends the program.
func FuzzDecompress(f *testing.F) {
	c := zstd.New()
	f.Add(c.Compress([]byte("payload")))
	f.Add(c.Compress(make([]byte, 1<<20)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1 << 16
		if got, err := c.Decompress(data, limit); err == nil && len(got) > limit {
			t.Errorf("it makes %d bytes of %d", len(got), len(data))
		}
	})
}
