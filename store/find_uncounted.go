package store

import "context"

// settle is total for whoever asks not how many there are. All that the way needs
// to know is whether they are few, and the text index tells that after a few of
// them, however many there are. With filters, and in another order than the best,
// it is worked out from the counts as ever.
func (f *finder) settle(ctx context.Context) error {
	if f.where != listedOnly || f.q.Sort != "" {
		_, err := f.total(ctx)
		return err
	}
	f.way = walking
	if f.text.none() {
		return nil
	}
	indexed, err := f.db.textIndexed(ctx)
	if err != nil {
		return err
	}
	if indexed {
		var found int
		err := f.db.reader.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM customers_text WHERE customers_text MATCH $1 LIMIT $2 + 0)`,
			f.text.upTo(inside).fts(), gatherMost+1).Scan(&found)
		if err != nil {
			return err
		}
		if f.way, f.byText = placed, true; found <= gatherMost {
			f.way = gathering
		}
	}
	_, err = f.paste(ctx, 0) // its count is of no use here
	return err
}
