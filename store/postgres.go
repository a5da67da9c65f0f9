package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/lib/pq"
)

// postgres is what is different with a database on a PostgreSQL server, with which
// several processes of frontdesk can be connected at once: replicas and commands.
// Each has its one writer, and these take turns by a lock that the server keeps.
type postgres struct {
	config pq.Config
	lost   chan struct{}
	leads  atomic.Bool // the connection that writes holds the lead

	mu   sync.Mutex
	seen versions // of what is remembered
}

// The locks that the processes of one database share, as pg_advisory_lock names them.
const (
	lockWrite = 0x66726f6e74  // held by a transaction that writes
	lockStart = lockWrite + 1 // held while the schema is brought up to date
)

// connectWithin bounds how long a connection takes, unless the address says otherwise.
const connectWithin = 5 * time.Second

// pgReaders is how many connections one process reads with at most.
const pgReaders = 10

// IsPostgres tells whether FRONTDESK_DATABASE names a PostgreSQL database; it names
// a file otherwise.
func IsPostgres(database string) bool {
	return strings.HasPrefix(database, "postgres://") || strings.HasPrefix(database, "postgresql://")
}

// CheckAddress tells what is wrong with a PostgreSQL database's address.
func CheckAddress(address string) error {
	_, err := newPostgres(address)
	return err
}

// Named is a database as it may be shown: without a password.
func Named(database string) string {
	if !IsPostgres(database) {
		return database
	}
	p, err := newPostgres(database)
	if err != nil {
		return "PostgreSQL"
	}
	return "PostgreSQL, " + p.name()
}

// newPostgres reads the address of a database.
func newPostgres(address string) (*postgres, error) {
	config, err := pq.NewConfig(address)
	if err != nil {
		return nil, errors.New("its address cannot be read: it is to be like postgres://user:password@host:5432/database") // pq's error may quote the password
	}
	if config.ApplicationName == "" {
		config.ApplicationName = "frontdesk"
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectWithin
	}
	if config.Runtime == nil {
		config.Runtime = map[string]string{}
	}
	for name, value := range map[string]string{
		"lock_timeout": "5s", // as SQLite's busy_timeout
		// A process that is cut off in the middle of a write must not keep the others from theirs.
		"idle_in_transaction_session_timeout": "30s",
	} {
		if _, set := config.Runtime[name]; !set {
			config.Runtime[name] = value
		}
	}
	return &postgres{config: config, lost: make(chan struct{})}, nil
}

// name is the database without the password.
func (p *postgres) name() string {
	return fmt.Sprintf("%s on %s", p.config.Database, net.JoinHostPort(p.config.Host, fmt.Sprint(p.config.Port)))
}

func (p *postgres) open(most int) (*sql.DB, error) {
	connector, err := pq.NewConnectorConfig(p.config)
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(most)
	pool.SetMaxIdleConns(most)
	return pool, nil
}

// texts are the arguments of a statement with texts that PostgreSQL takes: NUL, and
// bytes that are no UTF-8, become U+FFFD. Without PostgreSQL they stay as they are.
func (p *postgres) texts(args []any) []any {
	if p == nil {
		return args
	}
	return plainTexts(args)
}

func plainTexts(args []any) []any {
	mended := args
	for i, arg := range args {
		text, ok := arg.(string)
		if !ok {
			if v := reflect.ValueOf(arg); v.Kind() == reflect.String {
				text, ok = v.String(), true
			}
		}
		if !ok || utf8.ValidString(text) && !strings.Contains(text, "\x00") {
			continue
		}
		if &mended[0] == &args[0] {
			mended = slices.Clone(args)
		}
		mended[i] = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
	}
	return mended
}

// openPostgres opens the database and brings its schema up to date. Of several
// processes that start, one does it after the other.
func (db *DB) openPostgres(ctx context.Context) error {
	var err error
	if db.pool, err = db.pg.open(6); err != nil { // for the writer and the queue
		return err
	}
	readers, err := db.pg.open(max(pgReaders, runtime.NumCPU()))
	if err != nil {
		return err
	}
	db.reader = newReader(readers, db.pg)
	conn, err := db.pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	// For as long as another one takes.
	if _, err := conn.ExecContext(ctx, fmt.Sprintf(`SET lock_timeout = 0; SELECT pg_advisory_lock(%d); RESET lock_timeout`, lockStart)); err != nil {
		return err
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), fmt.Sprintf(`SELECT pg_advisory_unlock(%d)`, lockStart)) //nolint:errcheck // it goes with the connection
	return db.prepare(ctx)
}

// openPostgresToRead is OpenToRead's part.
func openPostgresToRead(address string) (*sql.DB, *postgres, error) {
	p, err := newPostgres(address)
	if err != nil {
		return nil, nil, err
	}
	p.config.Runtime["default_transaction_read_only"] = "on"
	pool, err := p.open(pgReaders)
	return pool, p, err
}

// beginShared starts a transaction in turns with other processes. Within it
// everything is seen that they have committed. A connection that was kept and has
// died meanwhile, as when the server was started again, is replaced by another one:
// nothing was written with it yet.
func (w *writer) beginShared(ctx context.Context) error {
	kept := w.conn != nil
	err := w.tryBegin(ctx)
	if err != nil && kept && w.conn == nil {
		err = w.tryBegin(ctx)
	}
	return err
}

func (w *writer) tryBegin(ctx context.Context) error {
	if w.conn == nil {
		conn, err := w.db.pool.Conn(ctx)
		if err != nil {
			return fmt.Errorf("open for writing: %w", err)
		}
		w.conn = conn
		if err := w.rejoin(ctx); err != nil {
			w.drop()
			return fmt.Errorf("open for writing: %w", err)
		}
	}
	if _, err := w.conn.ExecContext(ctx, fmt.Sprintf(`BEGIN; SELECT pg_advisory_xact_lock(%d)`, lockWrite)); err != nil {
		w.dropLost()
		return fmt.Errorf("begin: %w", err)
	}
	return nil
}

// commitShared commits. In a transaction in which a statement has failed COMMIT would
// roll back, and tell so by no error; another statement before it does.
func (w *writer) commitShared() error {
	_, err := w.conn.ExecContext(context.Background(), `SELECT 1; COMMIT`)
	return err
}

// dropLost gives up a connection that is no more, so that the next write makes
// another one.
func (w *writer) dropLost() {
	if w.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectWithin)
	defer cancel()
	if w.conn.PingContext(ctx) != nil {
		w.drop()
	}
}

func (w *writer) drop() {
	for _, stmt := range w.stmts {
		stmt.Close()
	}
	clear(w.stmts)
	w.conn.Close()
	w.conn = nil
	w.db.pg.leads.Store(false)
}

// causeOfServer is causeOf for what PostgreSQL, or the way there, reports.
func causeOfServer(err error) string {
	var said *pq.Error
	if errors.As(err, &said) {
		switch class := string(said.Code.Class()); {
		case said.Code == "53100": // disk_full
			return CauseFull
		case said.Code == "55P03": // lock_not_available
			return CauseBusy
		case said.Code == "25006": // read_only_sql_transaction: a standby, or told so
			return CauseReadOnly
		case class == "XX": // internal error, data or index corrupted
			return CauseDamaged
		case class == "08", class == "53", class == "58", strings.HasPrefix(string(said.Code), "57P"): // connection, resources, system, shutdown
			return CauseServer
		}
		return ""
	}
	var way net.Error
	if errors.As(err, &way) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return CauseServer
	}
	return ""
}
