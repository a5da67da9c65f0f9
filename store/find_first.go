package store

import (
	"context"
	"slices"
	"sync"
)

// firstPage returns the first rows of a search, best match first, and how many there
// are. It begins with what fits anyhow, by company: mostly these
// are all, and else the count goes on while those are looked for that fit better. ok
// is false for a listing that is found in another way: with filters, in another
// order, or while the text index is not whole.
func (f *finder) firstPage(ctx context.Context, limit int) (rows []ListedCustomer, total int, ok bool, err error) {
	if f.where != listedOnly || f.q.Sort != "" || f.text.none() {
		return nil, 0, false, nil
	}
	if f.db.pg == nil {
		if ok, f.waits, err = f.db.textIndexed(ctx); !ok || err != nil {
			return nil, 0, false, err
		}
		f.way, f.byText = placed, true
	}
	matching := f.text.upTo(inside)
	all, err := f.some(ctx, matching, inside, nil, limit)
	if err != nil {
		return nil, 0, false, err
	}
	var counting sync.WaitGroup
	var uncounted error
	switch {
	case len(all) < limit:
		total = len(all)
	case !f.q.Uncounted:
		counting.Go(func() { total, uncounted = f.indexed(ctx, matching) })
	}
	rows, err = f.better(ctx, all, limit)
	counting.Wait()
	if err == nil {
		err = uncounted
	}
	if err != nil {
		return nil, 0, false, err
	}
	total, err = f.paste(ctx, total)
	return rows, total, true, err
}

// better sorts the first of all that fit, which are by company, by how well they do:
// before them come those who begin with what is asked for, wherever they are. When these
// alone fill the page, it is asked for tier by tier.
func (f *finder) better(ctx context.Context, all []ListedCustomer, limit int) ([]ListedCustomer, error) {
	if len(all) < limit {
		f.byTier(all)
		return all, nil
	}
	if f.text.at(inside).never() {
		return f.byTiers(ctx, nil, limit)
	}
	first, err := f.some(ctx, f.text.upTo(begins), begins, nil, limit)
	if err != nil {
		return nil, err
	}
	if len(first) == limit {
		return f.byTiers(ctx, nil, limit)
	}
	f.byTier(first)
	for _, c := range all {
		if len(first) == limit {
			break
		}
		if !slices.ContainsFunc(first, func(b ListedCustomer) bool { return b.CUID == c.CUID }) {
			first = append(first, c)
		}
	}
	return first, nil
}

// byTier sorts rows, which are by company, by how well they fit.
func (f *finder) byTier(rows []ListedCustomer) {
	for i := range rows {
		rows[i].tier = f.text.tier(rows[i].search)
	}
	slices.SortStableFunc(rows, func(a, b ListedCustomer) int { return a.tier - b.tier })
}
