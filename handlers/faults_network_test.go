package handlers

import (
	"strings"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// network is what lies between frontdesk and the services: a real proxy that can be
// made to fail as networks do.
type network struct {
	t                testing.TB
	address, service string
	proxy            *toxiproxy.Proxy
}

func newNetwork(t testing.TB, services string) *network {
	n := &network{t: t, address: "127.0.0.1:0", service: strings.TrimPrefix(services, "http://")}
	n.carry()
	n.address = n.proxy.Listen
	t.Cleanup(n.down)
	return n
}

// carry drops all connections and carries new ones, in the manner of the toxics.
// A proxy is thrown away rather than healed: connections that were open would
// otherwise meet the next fault half-way.
func (n *network) carry(toxics ...string) {
	n.t.Helper()
	n.down()
	n.proxy = toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "services", n.address, n.service)
	for _, toxic := range toxics {
		if _, err := n.proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			n.t.Fatalf("toxic %s: %v", toxic, err)
		}
	}
	if err := n.proxy.Start(); err != nil {
		n.t.Fatal(err)
	}
}

// down refuses connections, and ends those that there are.
func (n *network) down() {
	if n.proxy != nil {
		n.proxy.Stop()
	}
}
