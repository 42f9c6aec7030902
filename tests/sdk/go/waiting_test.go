package sdk

import (
	"sync"
	"testing"
	"time"
)

// eventually polls until the probe is true; never sleep for anything else.
func eventually(t *testing.T, what string, probe func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !probe(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited 20 s for %s", what)
		}
	}
}

// holdsFor is for what must not happen: the probe has to stay true all the while.
func holdsFor(t *testing.T, duration time.Duration, what string, probe func() bool) {
	t.Helper()
	for deadline := time.Now().Add(duration); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if !probe() {
			t.Fatalf("%s stopped holding", what)
		}
	}
}

// each runs f(0) to f(n-1) at the same time and waits for all of them.
func each(n int, f func(int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Add(1)
		go func() {
			defer all.Done()
			f(i)
		}()
	}
	all.Wait()
}

// tally counts what functions did, by key.
type tally struct {
	mutex  sync.Mutex
	counts map[string]int
}

func (t *tally) add(key string) int {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.counts == nil {
		t.counts = map[string]int{}
	}
	t.counts[key]++
	return t.counts[key]
}

func (t *tally) of(key string) int {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.counts[key]
}

// doors are what activities wait at until the test opens them, by key.
type doors struct {
	entered tally
	mutex   sync.Mutex
	doors   map[string]chan struct{}
}

func (d *doors) door(key string) chan struct{} {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.doors == nil {
		d.doors = map[string]chan struct{}{}
	}
	if d.doors[key] == nil {
		d.doors[key] = make(chan struct{})
	}
	return d.doors[key]
}

func (d *doors) pass(key string) {
	door := d.door(key)
	d.entered.add(key)
	<-door
}

// held tells whether anybody has asked for the door.
func (d *doors) held(key string) bool {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return d.doors[key] != nil
}

func (d *doors) open(key string) { close(d.door(key)) }

func (d *doors) waitUntilEntered(t *testing.T, key string, times int) {
	t.Helper()
	eventually(t, "somebody at the door "+key, func() bool { return d.entered.of(key) >= times })
}
