/**
 * Asks for what is typed, a moment after the last key, and opens what was meant:
 * the answer to something older never takes the place of a newer one, and Enter
 * waits for the answer to what stands there.
 *
 * ask(text) returns a promise of the answer; show(answer) shows it, open()
 * opens what is chosen in it, fail(error) says that there is none. pause is in
 * milliseconds.
 */
export function asker({ ask, show, open, fail, pause = 60 }) {
  let text, shown; // what is typed, and what the answer that is shown was to
  let timer, request; // the one under way whose answer is wanted; an older one runs to its end, and is nobody's
  let entered = false;

  const stop = () => {
    clearTimeout(timer);
    request = undefined;
  };

  async function send() {
    stop();
    const mine = (request = { text });
    let answer;
    try {
      answer = await ask(mine.text);
    } catch (error) {
      if (request !== mine) return;
      request = undefined;
      entered = false;
      fail(error);
      return;
    }
    if (request !== mine) return;
    request = undefined;
    shown = mine.text;
    show(answer);
    if (shown !== text || !entered) return;
    entered = false;
    open();
  }

  return {
    /** What stands in the field now. Whoever types on after Enter means something else. */
    type(now) {
      entered = false;
      if (now === text) return;
      text = now;
      clearTimeout(timer);
      timer = setTimeout(send, pause);
    },
    /** Asks at once. */
    begin(now) {
      stop();
      text = now;
      shown = undefined;
      entered = false;
      return send();
    },
    enter() {
      if (shown === text) return open();
      entered = true;
      if (request?.text !== text) send();
    },
    /** Nothing that is still to come is wanted. */
    end() {
      stop();
      text = shown = undefined;
      entered = false;
    },
  };
}
