package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Session is a signed-in browser, without its data.
type Session struct {
	ID        string // public: it names the session, and opens nothing
	StaffID   int64
	StaffName string
	Portal    string
	Address   string
	Agent     string
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
	Drafts    bool // something is kept of what its person typed; only SignedIn tells
}

// SessionMeta is what a session's row says beside its data. The handler that
// signs somebody in puts it into the request's context with WithSessionMeta,
// and the store reads it from there: reading the scs session while scs commits
// it would deadlock.
type SessionMeta struct {
	ID      string
	StaffID int64
	Address string
	Agent   string
}

type sessionMetaKey struct{}

// requestSession is one request's meta, and what the store has seen of its
// session: one that was there when the request began and is gone at its end
// was revoked meanwhile, and must not come back with the commit.
type requestSession struct {
	meta     *SessionMeta
	loaded   string  // token whose row was there
	session  Session // of that row
	staff    Staff
	renewing bool // the row is to be kept under a new token
	revoked  bool
}

// WithSessionMeta returns a context that carries m, for one request. A handler
// may fill m in later, until the session is committed.
func WithSessionMeta(ctx context.Context, m *SessionMeta) context.Context {
	return context.WithValue(ctx, sessionMetaKey{}, &requestSession{meta: m})
}

func requestSessionOf(ctx context.Context) *requestSession {
	if r, ok := ctx.Value(sessionMetaKey{}).(*requestSession); ok {
		return r
	}
	return &requestSession{meta: &SessionMeta{}}
}

// RenewSession keeps the request's session when scs gives it a new token: its row
// takes the new one when it is committed, in one step. Until then the session can
// be seen and revoked as ever, and its former token serves other requests. Of two
// that renew it at once, such as a double click, the later one's token counts.
func RenewSession(ctx context.Context) { requestSessionOf(ctx).renewing = true }

// Sessions is the scs.CtxStore over this database. Data is sealed, bound to
// its row.
type Sessions struct{ db *DB }

// Sessions returns the store for scs.
func (db *DB) Sessions() *Sessions { return &Sessions{db} }

// FindCtx returns a session's data; exists is false when it is unknown or over.
func (s *Sessions) FindCtx(ctx context.Context, token string) (data []byte, exists bool, err error) {
	// With its person, and whether they have drafts: every page asks for all three.
	var sealed []byte
	var session Session
	staff, err := scanStaff(wider{s.db.reader.QueryRowContext(ctx, `SELECT s.data, s.id, s.address, s.user_agent, s.seen_at,
		EXISTS (SELECT 1 FROM drafts d WHERE d.person = p.portal || ':' || p.username), `+signedInColumns+`
		FROM sessions s JOIN staff p ON p.id = s.staff_id WHERE s.token_hash = $1 AND s.expires_at > $2`, token, s.db.now().UnixMilli()), &session, &sealed})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("find session: %w", err)
	}
	data, err = s.db.seal.open("sessions", token, "data", sealed)
	if err != nil {
		return nil, false, nil //nolint:nilerr // a session that does not open is no session: sign in again
	}
	session.StaffID, session.StaffName, session.Portal = staff.ID, staff.Name, staff.Portal
	r := requestSessionOf(ctx)
	r.loaded, r.session, r.staff = token, session, staff
	return data, true, nil
}

// CommitCtx writes a session's data. A new row takes its staff ID, address and
// agent from the context; without them (nobody is signed in) nothing is
// stored, and neither when the session was revoked during the request.
func (s *Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	r := requestSessionOf(ctx)
	m := r.meta
	if m == nil || m.StaffID == 0 || r.revoked {
		return nil
	}
	now := s.db.now()
	return s.db.Write(ctx, func(tx *Tx) error {
		if r.loaded == token {
			_, err := tx.ExecContext(ctx, `UPDATE sessions SET expires_at = $1, data = $2 WHERE token_hash = $3`,
				millis(expiry), s.db.seal.seal("sessions", token, "data", data), token)
			return err
		}
		if r.renewing && r.loaded != "" {
			result, err := tx.ExecContext(ctx, `
				UPDATE sessions SET token_hash = $1, address = $2, user_agent = $3, seen_at = $4, expires_at = $5, data = $6 WHERE id = $7`,
				token, m.Address, m.Agent, millis(now), millis(expiry), s.db.seal.seal("sessions", token, "data", data), m.ID)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			r.revoked = n == 0
			return err
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO sessions (token_hash, id, staff_id, address, user_agent, created_at, seen_at, expires_at, data)
			VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8)
			ON CONFLICT (token_hash) DO UPDATE SET expires_at = excluded.expires_at, data = excluded.data`,
			token, m.ID, m.StaffID, m.Address, m.Agent, millis(now), millis(expiry), s.db.seal.seal("sessions", token, "data", data))
		return err
	})
}

// DeleteCtx ends a session. Scs also calls it to give a session a new token,
// which ends nothing (RenewSession).
func (s *Sessions) DeleteCtx(ctx context.Context, token string) error {
	if r := requestSessionOf(ctx); r.renewing && r.loaded == token {
		return nil
	}
	return s.db.Write(ctx, func(tx *Tx) error {
		result, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE token_hash = $1`, token)
		if err != nil {
			return err
		}
		if r := requestSessionOf(ctx); r.loaded == token {
			n, err := result.RowsAffected()
			r.revoked = n == 0
			return err
		}
		return nil
	})
}

// Find, Commit and Delete complete scs.Store; scs calls the Ctx forms.

func (s *Sessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

func (s *Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

func (s *Sessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

const sessionColumns = `s.id, s.staff_id, p.name, p.portal, s.address, s.user_agent, s.created_at, s.seen_at, s.expires_at
	FROM sessions s JOIN staff p ON p.id = s.staff_id`

func scanSession(row scanner) (Session, error) {
	var s Session
	var created, seen, expires sql.NullInt64
	err := row.Scan(&s.ID, &s.StaffID, &s.StaffName, &s.Portal, &s.Address, &s.Agent, &created, &seen, &expires)
	s.CreatedAt, s.SeenAt, s.ExpiresAt = fromMillis(created), fromMillis(seen), fromMillis(expires)
	return s, err
}

// Session returns one live session by its public ID.
func (db *DB) Session(ctx context.Context, id string) (Session, error) {
	return one(scanSession(db.reader.QueryRowContext(ctx, `SELECT `+sessionColumns+` WHERE s.id = $1 AND s.expires_at > $2`,
		id, db.now().UnixMilli())))
}

// SignedIn is the session of the request that ctx is of, as it was when scs loaded
// it, with the whole of its person; ErrNotFound when id is another's.
func SignedIn(ctx context.Context, id string) (Session, Staff, error) {
	r := requestSessionOf(ctx)
	if r.session.ID != id || id == "" {
		return Session{}, Staff{}, ErrNotFound
	}
	return r.session, r.staff, nil
}

// wider scans what stands before a member of staff.
type wider struct {
	scanner
	session *Session
	data    *[]byte
}

const signedInColumns = `p.id, p.portal, p.username, p.name, p.role, p.state, p.added_by, p.added_at, p.seen_at`

func (w wider) Scan(dest ...any) error {
	var seen sql.NullInt64
	err := w.scanner.Scan(append([]any{w.data, &w.session.ID, &w.session.Address, &w.session.Agent, &seen, &w.session.Drafts}, dest...)...)
	w.session.SeenAt = fromMillis(seen)
	return err
}

// LiveSessions returns the sessions of one member of staff (0: everybody)
// that have been used after idleSince, the last used first.
func (db *DB) LiveSessions(ctx context.Context, staffID int64, idleSince time.Time) ([]Session, error) {
	return collect(ctx, db.reader, scanSession, `SELECT `+sessionColumns+`
		WHERE ($1 = 0 OR s.staff_id = $1) AND s.expires_at > $2 AND s.seen_at > $3 ORDER BY s.seen_at DESC, s.id LIMIT 500`,
		staffID, db.now().UnixMilli(), idleSince.UnixMilli())
}

// TouchSession notes that a session, and so its person, is at work.
func (db *DB) TouchSession(ctx context.Context, id string) error {
	now := millis(db.now())
	return db.Write(ctx, func(tx *Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE sessions SET seen_at = $1 WHERE id = $2`, now, id); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE staff SET seen_at = $1 WHERE id = (SELECT staff_id FROM sessions WHERE id = $2)`, now, id)
		return err
	})
}

// RevokeOthers ends a person's sessions but one, and tells how many there were.
func (tx *Tx) RevokeOthers(ctx context.Context, staffID int64, but string) (int64, error) {
	result, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE staff_id = $1 AND id <> $2`, staffID, but)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// RevokeSession ends a session by its public ID.
func (tx *Tx) RevokeSession(ctx context.Context, id string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE id = $1`, id)
	return err
}
