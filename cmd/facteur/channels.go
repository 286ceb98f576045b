package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net"
	netmail "net/mail"
	"strconv"
	"strings"
	"time"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/track"
	"facteur.dev/facteur/internal/i18n"
	"facteur.dev/facteur/internal/notify"
	"facteur.dev/facteur/internal/webhook"
	"facteur.dev/facteur/transport"
	"facteur.dev/facteur/transport/https"
	"facteur.dev/facteur/transport/mail"
	"facteur.dev/facteur/transport/sink"
)

// channels sets up the ways to a peer that the configuration allows. The mail
// channel is nil when no server is configured.
func (n *node) channels() (func(gateway.TenantID, string) transport.Sender, *mail.Sender, error) {
	base := https.Config{Dial: n.guard.DialContext, RootCAs: n.roots, Timeout: n.cfg.Outbound.Timeout, Now: n.clock.Now}
	var mailer *mail.Sender
	if n.cfg.Mail.Host != "" {
		var err error
		if mailer, err = n.mailer(); err != nil {
			return nil, nil, err
		}
	}
	return func(tenant gateway.TenantID, channel string) transport.Sender {
		if n.cfg.TestMode {
			return sink.Sender{Now: n.clock.Now} // whatever the route says
		}
		// A tenant has its own secrets and trusts its own peers only, so these
		// channels are its own.
		own := base
		own.Credentials = credentialsOf(n.cfg.Outbound.CredentialsDir, tenant)
		switch channel {
		case transport.ChannelAP:
			s, err := https.NewAP(own)
			return n.usable(s, tenant, err)
		case transport.ChannelGateway:
			s, err := https.NewGateway(https.GatewayConfig{Config: own, Signer: n.keys.signing, Trust: n.trust(tenant), Random: rand.Reader})
			return n.usable(s, tenant, err)
		case transport.ChannelMail:
			if mailer == nil {
				return nil
			}
			return mailer
		case sink.Channel:
			return sink.Sender{Now: n.clock.Now}
		}
		return nil
	}, mailer, nil
}

// usable gives a channel, or nil when it could not be set up.
func (n *node) usable(s transport.Sender, tenant gateway.TenantID, err error) transport.Sender {
	if err != nil {
		n.log.Error("a channel cannot be used", "tenant", tenant, "error", err)
		return nil
	}
	return s
}

func (n *node) mailer() (*mail.Sender, error) {
	m := n.cfg.Mail
	from, err := netmail.ParseAddress(m.From)
	if err != nil {
		return nil, environmentError("mail.from", err, "set mail.from to an address")
	}
	domain := m.EnvelopeDomain
	if domain == "" {
		_, domain, _ = strings.Cut(from.Address, "@")
	}
	return mail.New(mail.Config{
		Relay: net.JoinHostPort(m.Host, strconv.Itoa(m.Port)), TLS: mailTLS(m.TLS), Username: m.User, Password: m.Password.Reveal(),
		From: from.Address, Bounce: "bounces@" + domain, BounceKey: n.keys.bounces, Dial: n.guard.DialContext, RootCAs: n.roots,
		Timeout: m.Timeout, Now: n.clock.Now,
	})
}

// mailTLS translates the configured word.
func mailTLS(word string) mail.TLSMode {
	switch word {
	case "none":
		return mail.TLSNone
	case "implicit":
		return mail.TLSImplicit
	case "opportunistic":
		return mail.TLSOpportunistic
	}
	return mail.TLSRequired
}

// sendCode mails one-time codes of the portal.
func (n *node) sendCode(mailer *mail.Sender) func(context.Context, gateway.Tenant, gateway.Invoice, string, string) error {
	return func(ctx context.Context, tenant gateway.Tenant, inv gateway.Invoice, email, code string) error {
		if tenant.Mode == gateway.ModeTest || n.cfg.TestMode {
			return gateway.ErrState.With("in test mode nothing is mailed", nil)
		}
		lang, ok := i18n.Parse(tenant.Language)
		if !ok {
			lang = i18n.Lang(n.cfg.Language)
		}
		body := []byte(inv.ID)
		receipt, err := mailer.Send(ctx, transport.Message{
			ID: n.ids.New(gateway.PrefixMessage), Sender: string(tenant.ID), Receiver: inv.ID, ContentType: "text/plain",
			Filename: "invoice-id.txt", Body: body, SHA256: sha256.Sum256(body), Mail: notify.Code(lang, tenant.Name, inv.Number, code),
		}, transport.Endpoint{Channel: transport.ChannelMail, Address: email})
		if err != nil {
			return err
		}
		if receipt.Outcome != transport.Accepted {
			return gateway.ErrUnavailable.With("the code could not be sent", errors.New(receipt.Code+" "+receipt.Detail))
		}
		return nil
	}
}

// poster sends signed messages to webhooks through the guard.
func (n *node) poster() (track.Post, error) {
	sender, err := webhook.NewSender(webhook.Config{
		Guard: n.guard, RootCAs: n.roots, AllowHTTP: n.guard.Listed, Timeout: n.cfg.Outbound.Timeout, Now: n.clock.Now,
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, hook gateway.Webhook, id string, _ time.Time, body []byte) error {
		secrets := make([]webhook.Secret, len(hook.Secrets))
		for i, text := range hook.Secrets {
			secret, err := webhook.ParseSecret(text)
			if err != nil {
				return gateway.ErrInvalid.With("the webhook's secret cannot be used", err)
			}
			secrets[i] = secret
		}
		switch r := sender.Post(ctx, webhook.Message{URL: hook.URL, ID: id, Body: body, Secrets: secrets}); r.Outcome {
		case webhook.Delivered:
			return nil
		case webhook.Gone:
			return track.ErrGone
		default:
			return &gateway.Error{Code: r.Code, Message: r.Detail, Retryable: true}
		}
	}, nil
}
