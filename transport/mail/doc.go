// Package mail sends documents by e-mail and reads the reports that come back.
//
// # Sending
//
// A [Sender] hands one letter (text, HTML, the document attached) for one recipient to a relay over SMTP (RFC
// 5321) with STARTTLS. The Message-ID is the stable message id; each message has an envelope sender of its own,
// bounces+token@domain, whose token nobody else can make; delivery status notifications (RFC 3461) are asked for
// with the message id as envelope id. Addresses may be internationalised (RFC 6531): domains become A-labels, and
// SMTPUTF8 is used only when the local part needs it.
//
// SMTP cannot promise "once", so Idempotent is false: after "unknown" nothing is repeated. What became of it:
//
//	what happened                                         outcome    code
//	the relay is not allowed by policy                    rejected   netguard.refused
//	no connection                                         temporary  dial.dns, dial.refused, dial.timeout, dial.failed
//	greeting, EHLO, STARTTLS or AUTH refused, even 5yz    temporary  smtp.greeting_NNN, hello, tls, auth alike
//	TLS or AUTH needed but not offered                    temporary  smtp.tls_missing, smtp.auth_missing
//	the relay's certificate does not verify               temporary  tls.untrusted
//	MAIL, RCPT or DATA refused 4yz                        temporary  smtp.mail_NNN, rcpt, data alike
//	MAIL, RCPT or DATA refused 5yz                        rejected   smtp.mail_NNN, rcpt, data alike
//	the message is over the relay's limit                 rejected   smtp.too_large
//	the address needs SMTPUTF8, the relay has it not      rejected   smtp.utf8_missing
//	the connection breaks before the final dot            temporary  smtp.STAGE_lost, smtp.STAGE_timeout
//	the final dot was sent, then nothing                  unknown    smtp.end_lost, smtp.end_timeout
//	the message refused 4yz after the final dot           temporary  smtp.end_NNN
//	the message refused 5yz after the final dot           rejected   smtp.end_NNN
//	250 after the final dot                               accepted   (kind smtp.250)
//
// Greeting to AUTH are between this gateway and its relay and say nothing about the recipient, so they never
// count against the address. A server must drop a message whose final dot it has not seen (RFC 5321, 4.1.1.10),
// hence "temporary" up to there. Accepted means that the relay, or the recipient's server, took responsibility;
// it does not mean that the message lies in the mailbox.
//
// # Reports
//
// [ParseReport] reads what arrives at the bounce address: delivery status notifications (RFC 3464 and 6533),
// disposition notifications (RFC 8098), automatic answers, and anything else. Only a delivery status
// notification is ever taken for a bounce.
package mail
