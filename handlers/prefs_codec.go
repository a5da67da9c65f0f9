package handlers

import (
	"errors"

	"github.com/gorilla/securecookie"
)

// prefsKey is the one value in gorilla's cookie: the preferences as JSON.
const prefsKey = "prefs"

// prefsCodec puts that value into the cookie as it is. gorilla's own way, gob,
// takes longer than reading the session; cookies of former releases are of it.
type prefsCodec struct{}

func (prefsCodec) Serialize(src any) ([]byte, error) {
	values, ok := src.(map[any]any)
	if !ok {
		return nil, errors.New("the cookie holds no values")
	}
	text, _ := values[prefsKey].(string)
	return []byte(text), nil
}

func (prefsCodec) Deserialize(src []byte, dst any) error {
	if len(src) == 0 || src[0] != '{' {
		return securecookie.GobEncoder{}.Deserialize(src, dst)
	}
	values, ok := dst.(*map[any]any)
	if !ok {
		return errors.New("the cookie's values go nowhere")
	}
	*values = map[any]any{prefsKey: string(src)}
	return nil
}
