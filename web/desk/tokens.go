package desk

import (
	"context"
	"errors"
	"strings"
	"unicode"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// maxToken bounds a pasted token, as services.md bounds the portal's.
const maxToken = 4096

// RevealToken records that somebody looks at one of their own tokens: which is
// "portal", whose token the session holds, or "cpaas". The token is the
// answer's secret. Like every reveal it wants the password again (Confirmed).
func (d *Desk) RevealToken(ctx context.Context, by Actor, receipt, which, portalToken string) (Answer, error) {
	secret := Secret{Token: portalToken}
	switch which {
	case "portal":
	case "cpaas":
		token, _, err := d.Store.CPaaSToken(ctx, by.Staff.ID)
		if errors.Is(err, store.ErrNotFound) {
			return Answer{}, invalid(map[string]Text{"which": "No CPaaS token is stored."})
		}
		if err != nil {
			return Answer{}, err
		}
		secret.Token = token
	default:
		return Answer{}, invalid(map[string]Text{"which": "Choose a token."})
	}
	if !d.Confirmed(by) {
		return Answer{}, invalid(map[string]Text{"password": passwordAgain})
	}
	a, prior, err := d.begin(ctx, intent{By: by, What: WhatRevealToken, On: audit.Subject{ID: "token:" + which, Name: which + " token"}, Receipt: receipt}, nil)
	if prior != nil || err != nil {
		return answered(prior, err)
	}
	return d.finish(a, Answer{Message: AsSaid(which), Secret: secret}, nil, nil)
}

// PutCPaaSToken keeps the CPaaS token that somebody copied from their portal's
// landing page; a blank one removes it.
func (d *Desk) PutCPaaSToken(ctx context.Context, by Actor, token string) error {
	token = strings.TrimSpace(token)
	if len(token) > maxToken {
		return invalid(map[string]Text{"token": "That is too long to be a token."})
	}
	if strings.ContainsFunc(token, func(r rune) bool { return !unicode.IsPrint(r) || unicode.IsSpace(r) }) {
		return invalid(map[string]Text{"token": "A token has no spaces or line breaks."}) // #nosec G101 -- a message
	}
	detail := "stored"
	if token == "" {
		detail = "removed"
	}
	err := d.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.PutCPaaSToken(ctx, by.Staff.ID, token); err != nil {
			return err
		}
		return tx.Append(ctx, &audit.Entry{
			Phase: audit.Event, Who: by.Who(), What: WhatCPaaSToken, On: audit.Subject{ID: "token:cpaas", Name: "cpaas token"},
			Result: audit.Done, Detail: detail,
		})
	})
	if err != nil {
		return unrecorded(err)
	}
	return nil
}
