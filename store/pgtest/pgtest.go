// Package pgtest gives tests PostgreSQL databases: on a server of their own, which it
// starts and stops, or on the one that FRONTDESK_TEST_POSTGRES names, whose user must
// be allowed to create databases.
package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/lib/pq" // the database/sql driver "postgres"
)

// Server is where databases are made.
type Server struct {
	address *url.URL // of database postgres
	admin   *sql.DB
	stop    func() error
	made    atomic.Int64
}

// Start starts a server, or takes the one that is given.
func Start() (*Server, error) {
	s := &Server{stop: func() error { return nil }}
	if given := os.Getenv("FRONTDESK_TEST_POSTGRES"); given != "" {
		address, err := url.Parse(given)
		if err != nil {
			return nil, fmt.Errorf("FRONTDESK_TEST_POSTGRES: %w", err)
		}
		s.address = address
	} else if err := s.run(); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	var err error
	s.admin, err = sql.Open("postgres", s.address.String())
	for deadline := time.Now().Add(30 * time.Second); err == nil; time.Sleep(20 * time.Millisecond) {
		ping := s.admin.PingContext(context.Background())
		if ping == nil {
			return s, nil
		}
		if time.Now().After(deadline) {
			err = ping
		}
	}
	return nil, errors.Join(err, s.stop())
}

// run starts a server in a folder of its own, reached through a socket there.
func (s *Server) run() error {
	initdb, err := program("initdb")
	if err != nil {
		return err
	}
	postgres, err := program("postgres")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "pg") // short: a socket's path has a hundred characters
	if err != nil {
		return err
	}
	as, err := unprivileged(dir)
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	data := filepath.Join(dir, "data")
	initialize := exec.Command(initdb, "-A", "trust", "-N", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-D", data)
	initialize.SysProcAttr, initialize.Dir = as, dir
	if out, err := initialize.CombinedOutput(); err != nil {
		return errors.Join(fmt.Errorf("%w: %s", err, out), os.RemoveAll(dir))
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	// What a test writes is gone with it: nothing has to reach the disk.
	server := exec.Command(postgres, "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off",
		"-c", "synchronous_commit=off", "-c", "max_connections=400", "-c", "shared_buffers=128MB", "-c", "max_wal_size=2GB")
	server.SysProcAttr, server.Dir, server.Stdout, server.Stderr = as, dir, log, log
	if err := server.Start(); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	s.address = &url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres", RawQuery: url.Values{"host": {dir}}.Encode()}
	s.stop = func() error {
		err := server.Process.Signal(syscall.SIGINT) // a fast shutdown
		_ = server.Wait()
		return errors.Join(err, os.RemoveAll(dir))
	}
	return nil
}

// program finds a program of PostgreSQL's, which Debian keeps out of the PATH.
func program(name string) (string, error) {
	if found, err := exec.LookPath(name); err == nil {
		return found, nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("%s is not installed", name)
	}
	return found[len(found)-1], nil
}

// unprivileged is what starts a server, which refuses to run as root, as somebody else.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGINT}
	if os.Getuid() != 0 {
		return attr, nil
	}
	somebody, err := user.Lookup("postgres")
	if err != nil {
		if somebody, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err := strconv.ParseUint(somebody.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(somebody.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr, errors.Join(os.Chown(dir, int(uid), int(gid)), os.Chmod(dir, 0o755))
}

// Stop stops the server, if it was started.
func (s *Server) Stop() error { return errors.Join(s.admin.Close(), s.stop()) }

// Address is a database's.
func (s *Server) Address(database string) string {
	address := *s.address
	address.Path = "/" + database
	return address.String()
}

// create makes a database, as a copy of another unless from is empty.
func (s *Server) create(from string) (name string, err error) {
	name = fmt.Sprintf("t%d_%d", os.Getpid(), s.made.Add(1))
	query := `CREATE DATABASE ` + name
	if from != "" {
		query += ` TEMPLATE ` + from + ` STRATEGY file_copy`
	}
	_, err = s.admin.Exec(query)
	return name, err
}

// drop removes a database, whoever is connected to it.
func (s *Server) drop(name string) error {
	_, err := s.admin.Exec(`DROP DATABASE IF EXISTS ` + name + ` WITH (FORCE)`)
	return err
}

// Empty starts a server for one test, and returns the address of an empty database.
func Empty(t testing.TB) string {
	t.Helper()
	s, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	name, err := s.create("")
	if err != nil {
		t.Error(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.drop(name), s.Stop()); err != nil {
			t.Error(err)
		}
	})
	return s.Address(name)
}

// Databases are what a package's tests work with: each test has one of its own, all of
// them copies of one.
type Databases struct {
	server *Server
	first  string
}

// Run runs the tests and returns the code to exit with. prepare makes the database
// that all are copied from.
func (d *Databases) Run(m *testing.M, prepare func(address string) error) int {
	err := d.start(prepare)
	code := 1
	if err == nil {
		code = m.Run()
	}
	if d.server != nil {
		err = errors.Join(err, d.server.drop(d.first), d.server.Stop())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func (d *Databases) start(prepare func(address string) error) (err error) {
	if d.server, err = Start(); err != nil {
		return err
	}
	if d.first, err = d.server.create(""); err != nil {
		return err
	}
	return prepare(d.server.Address(d.first))
}

// Fresh makes a database for one test, and returns its address.
func (d *Databases) Fresh(t testing.TB) string {
	t.Helper()
	return d.copyOf(t, d.first)
}

// Copy copies a test's database, with which nobody is connected.
func (d *Databases) Copy(t testing.TB, address string) string {
	t.Helper()
	return d.copyOf(t, nameIn(address))
}

// Replace puts a copy of one database in the place of another; nobody is connected
// with either.
func (d *Databases) Replace(t testing.TB, address, by string) {
	t.Helper()
	err := d.server.drop(nameIn(address))
	if err == nil {
		_, err = d.server.admin.Exec(`CREATE DATABASE ` + nameIn(address) + ` TEMPLATE ` + nameIn(by))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// nameIn is the name of the database in an address that Fresh or Copy has returned.
func nameIn(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	return strings.TrimPrefix(u.Path, "/")
}

func (d *Databases) copyOf(t testing.TB, first string) string {
	t.Helper()
	name, err := d.server.create(first)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.server.drop(name); err != nil {
			t.Error(err)
		}
	})
	return d.server.Address(name)
}

// Values are the values of all tables, one behind the other: what a thief of the
// database reads.
func Values(db *sql.DB) ([]byte, error) {
	columns, err := texts(db, `SELECT format(CASE data_type WHEN 'bytea' THEN 'SELECT %1$I FROM %2$I' ELSE 'SELECT convert_to(%1$I::text, ''UTF8'') FROM %2$I' END, column_name, table_name)
		FROM information_schema.columns WHERE table_schema = 'public'`)
	if err != nil {
		return nil, err
	}
	var all []byte
	for _, query := range columns {
		values, err := texts(db, string(query))
		if err != nil {
			return nil, err
		}
		for _, value := range values {
			all = append(all, value...)
		}
	}
	return all, nil
}

func texts(db *sql.DB, query string) (all [][]byte, err error) {
	rows, err := db.Query(query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var value []byte
		if err := rows.Scan(&value); err != nil {
			return nil, err
		}
		all = append(all, value)
	}
	return all, rows.Err()
}
