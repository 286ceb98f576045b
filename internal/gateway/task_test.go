package gateway

import (
	"testing"

	"facteur.dev/facteur/transport"
)

// One peer with many addresses is one group of tasks, and so is all mail.
func TestPeer(t *testing.T) {
	for _, c := range []struct {
		route Route
		want  string
	}{
		{Route{Channel: transport.ChannelGateway, Address: "https://AP.example/in/a"}, "ap.example"},
		{Route{Channel: transport.ChannelAP, Address: "https://ap.example/b?x=1"}, "ap.example"},
		{Route{Channel: transport.ChannelAP, Address: "https://ap.example:8443/"}, "ap.example:8443"},
		{Route{Channel: transport.ChannelMail, Address: "a@one.example"}, "mail"},
		{Route{Channel: transport.ChannelMail, Address: "b@two.example"}, "mail"},
		{Route{Channel: "sink", Address: "sink:slow"}, "sink:slow"},
		{Route{Channel: transport.ChannelAP, Address: "%"}, "%"},
	} {
		if got := c.route.Peer(); got != c.want {
			t.Errorf("%+v: %q", c.route, got)
		}
	}
}
