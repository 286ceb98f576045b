package e2e

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"facteur.dev/facteur/internal/store/storetest"
)

// faultPoints are the steps at which a process is killed.
var faultPoints = []string{
	"order.source_stored", "order.before_commit", "order.committed",
	"order.before_draft_commit", "order.drafted",
	"invoice.built", "invoice.checked", "invoice.sealed", "invoice.blobs_stored",
	"invoice.before_ready_commit", "invoice.ready_committed",
	"delivery.before_begin_commit", "delivery.begun", "delivery.before_send", "delivery.after_send",
	"delivery.before_record", "delivery.before_result_commit", "delivery.recorded",
	"inbound.stored", "inbound.before_commit", "inbound.committed",
	"inbound.judged", "inbound.before_check_commit", "inbound.to_forward",
	"log.before_commit", "log.sealed",
}

// full tells that the kill tests run at full length.
func full() bool { return os.Getenv("FACTEUR_KILL") == "all" }

// TestKillNothingLostNothingDoubled submits 200 orders to the real binary, which
// is killed at each fault point on the way and started again. In the end there
// is exactly one invoice, one delivery and one receipt for each order, one
// document at the receiver, and no gap in the numbers.
func TestKillNothingLostNothingDoubled(t *testing.T) {
	killAtEachPoint(t, 200, "")
}

// TestKillOnPostgreSQL is the same on PostgreSQL, shorter.
func TestKillOnPostgreSQL(t *testing.T) {
	var cluster storetest.Cluster
	t.Cleanup(cluster.Stop)
	orders := 100
	if full() {
		orders = 400
	}
	killAtEachPoint(t, orders, cluster.Database(t))
}

func killAtEachPoint(t *testing.T, orders int, database string) {
	k := newKilling(t, 1, database)
	g := k.processes[0]
	perPoint, next := orders/len(faultPoints), 0
	for i, point := range faultPoints {
		n := perPoint
		if i == len(faultPoints)-1 {
			n = orders - next
		}
		g.spawn(fmt.Sprintf("FACTEUR_KILL_AT=%s:%d", point, 1+i%3))
		g.awaitReady() // or it dies on work that an earlier life left behind
		k.submit(next, n)
		next += n
		g.name = "gateway to die at " + point
		g.awaitDeath()
	}
	g.start()
	k.awaitSettled(orders)
	k.check(orders)
}

// TestKillTwoProcesses lets two processes work on one PostgreSQL database, behind
// one address. Both are killed again and again: at a random fault point, or at a
// random moment when the other did what would have led it there.
func TestKillTwoProcesses(t *testing.T) {
	var cluster storetest.Cluster
	t.Cleanup(cluster.Stop)
	rounds, perRound := 8, 10
	if full() {
		rounds, perRound = 60, 10
	}
	k := newKilling(t, 2, cluster.Database(t))
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for round := range rounds {
		for _, g := range k.processes {
			g.spawn(fmt.Sprintf("FACTEUR_KILL_AT=%s:%d", faultPoints[random.IntN(len(faultPoints))], 1+random.IntN(4)))
		}
		for _, g := range k.processes {
			g.awaitReady()
		}
		k.submit(round*perRound, perRound)
		for _, g := range k.processes {
			select {
			case err := <-g.died:
				g.died <- err
				if !killed(err) {
					t.Fatalf("%s stopped with %v\n%s", g.name, err, g.log.tail())
				}
			case <-time.After(time.Duration(random.IntN(1000)) * time.Millisecond):
				g.kill()
			}
		}
	}
	for _, g := range k.processes {
		g.start()
	}
	k.awaitSettled(rounds * perRound)
	k.check(rounds * perRound)
}

// killing is a gateway of one or more processes, with a supplier and a customer.
type killing struct {
	t                *testing.T
	processes        []*gate
	supplier, client *account
}

// newKilling builds the binary with fault points and sets up its data: two
// tenants that are each other's peers, with their records.
func newKilling(t *testing.T, processes int, database string) *killing {
	t.Helper()
	binary, err := faulty()
	if err != nil {
		t.Fatal(err)
	}
	k := &killing{t: t}
	front := newGate(t, "gateway")
	front.binary = binary
	if database != "" {
		front.set["DATABASE"] = database
	}
	if processes == 1 {
		k.processes = []*gate{front}
	} else {
		var hosts []string
		for i := range processes {
			g := newGate(t, fmt.Sprintf("process %d", i+1))
			g.binary = binary
			listen := g.set["HTTP_LISTEN"]
			for key, value := range front.set { // folders, keys and address are one
				g.set[key] = value
			}
			g.set["HTTP_LISTEN"] = listen
			k.processes, hosts = append(k.processes, g), append(hosts, listen)
		}
		relay(t, strings.TrimPrefix(front.url, "https://"), hosts)
	}
	k.supplier, k.client = front.tenant("supplier", "live"), front.tenant("customer", "live")
	k.processes[0].start()
	k.supplier.supplier(gatewayRoute(k.client))
	introduce(k.supplier, k.client)
	k.processes[0].stop()
	return k
}

// relay is a balancer: it hands each connection to one of the hosts that answer.
func relay(t *testing.T, address string, hosts []string) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go carry(in, hosts)
		}
	}()
}

func carry(in net.Conn, hosts []string) {
	defer in.Close()
	for _, i := range rand.Perm(len(hosts)) {
		out, err := net.Dial("tcp", hosts[i])
		if err != nil {
			continue
		}
		defer out.Close()
		go func() {
			_, _ = out.(*net.TCPConn).ReadFrom(in)
			_ = out.Close()
		}()
		_, _ = in.(*net.TCPConn).ReadFrom(out)
		return
	}
}

// submit posts orders first … first+n-1 side by side, each again under the same
// key until it is answered or no process is left.
func (k *killing) submit(first, n int) {
	var wg sync.WaitGroup
	for i := first; i < first+n; i++ {
		wg.Go(func() { k.tryOrder(i) })
	}
	wg.Wait()
}

func (k *killing) tryOrder(i int) (status int) {
	for range 10 {
		r, err := k.supplier.ask(http.MethodPost, "/v1/orders", order(i), fmt.Sprintf("Idempotency-Key: key-%d", i))
		if err == nil {
			return r.status
		}
		alive := false
		for _, g := range k.processes {
			alive = alive || !g.dead()
		}
		if !alive {
			return 0
		}
		time.Sleep(20 * time.Millisecond)
	}
	return 0
}

// awaitSettled submits again what may not have been taken, and waits until all
// is sent and received.
func (k *killing) awaitSettled(orders int) {
	k.t.Helper()
	for i := range orders {
		if status := k.tryOrder(i); status != http.StatusCreated {
			k.t.Fatalf("order %d: status %d\n%s", i, status, k.processes[0].log.tail())
		}
	}
	deadline := time.Now().Add(40 * time.Second)
	for {
		sent := len(k.supplier.list("/v1/invoices?state=sent"))
		received := len(k.client.list("/v1/inbox?state=available"))
		if sent == orders && received == orders {
			return
		}
		if time.Now().After(deadline) {
			for _, inv := range k.supplier.list("/v1/invoices?state=draft&state=held&state=ready&state=rejected&state=cancelled") {
				k.t.Logf("not sent: %v", inv)
				k.t.Logf("its deliveries: %v", k.supplier.items("/v1/invoices/"+text(inv, "id")+"/deliveries"))
			}
			for _, o := range k.supplier.list("/v1/orders") {
				if text(o, "state") != "invoiced" {
					k.t.Logf("not invoiced: %v", o)
				}
			}
			k.t.Fatalf("after all restarts %d of %d are sent and %d available\n%s", sent, orders, received, k.processes[0].log.tail())
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// check counts what there is.
func (k *killing) check(orders int) {
	k.t.Helper()
	byOrder, numbers, messages := map[string]int{}, map[string]int{}, map[string]int{}
	for _, inv := range k.supplier.list("/v1/invoices") {
		byOrder[text(inv, "external_id")]++
		numbers[text(inv, "number")]++
		path := "/v1/invoices/" + text(inv, "id")
		deliveries := k.supplier.items(path + "/deliveries")
		if len(deliveries) != 1 || text(deliveries[0], "state") != "accepted" || text(deliveries[0], "receipt_sha256") == "" {
			k.t.Errorf("invoice %s: deliveries %v", text(inv, "number"), deliveries)
			continue
		}
		messages[text(deliveries[0], "message_id")]++
		receipts := 0
		for _, d := range k.supplier.items(path + "/documents") {
			if text(d, "role") == "receipt" {
				receipts++
			}
		}
		if receipts != 1 {
			k.t.Errorf("invoice %s has %d receipts", text(inv, "number"), receipts)
		}
	}
	once := func(what string, counts map[string]int) {
		k.t.Helper()
		if len(counts) != orders {
			k.t.Errorf("%d %s, expected %d", len(counts), what, orders)
		}
		for key, n := range counts {
			if n != 1 {
				k.t.Errorf("%s of %s", what, fmt.Sprintf("%q: %d", key, n))
			}
		}
	}
	received := map[string]int{}
	for _, in := range k.client.list("/v1/inbox") {
		received[text(in, "message_id")]++
		if messages[text(in, "message_id")] == 0 {
			k.t.Errorf("message %s was never sent", text(in, "message_id"))
		}
	}
	once("invoices of orders", byOrder)
	once("numbers", numbers)
	once("messages sent", messages)
	once("messages received", received)
	for _, kind := range []string{"order.received", "invoice.drafted", "invoice.ready", "invoice.sent", "delivery.receipted"} {
		sealed := k.supplier.eventsAfter("?type=" + kind)
		for range 50 { // the last ones may not be numbered yet
			if len(sealed) >= orders {
				break
			}
			time.Sleep(100 * time.Millisecond)
			sealed = k.supplier.eventsAfter("?type=" + kind)
		}
		counts := map[string]int{}
		for _, e := range sealed {
			counts[text(e, "external_id")]++
		}
		once(kind+" events", counts)
	}
	series := k.supplier.items("/v1/number-series")
	if len(series) != 1 || text(series[0], "taken") != fmt.Sprint(orders) || len(pick(series[0], "gaps").([]any)) != 0 {
		k.t.Errorf("number series: %v", series)
	}
	for _, a := range []*account{k.supplier, k.client} {
		if s := a.verifiedLog(); s.status != 0 {
			k.t.Errorf("the audit log of %s does not verify: %s%s", a.tenant, s.out, s.errors)
		}
	}
}
