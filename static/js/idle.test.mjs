import assert from "node:assert/strict";
import { mock, test } from "node:test";

// A page of somebody who is signed in, with an idle limit of 40 seconds.
let now = 0;
let answer = () => Promise.reject(new TypeError("cannot be reached"));
const opened = [];
const listeners = {};
const page = { title: "Acme AB · frontdesk", body: { dataset: { idle: "40" }, children: ["Acme AB"], replaceChildren: (...all) => (page.body.children = all) } };
globalThis.document = Object.assign(page, {
  getElementById: () => ({ hidden: true }),
  createElement: (name) => ({ name, children: [], append(...all) { this.children.push(...all); }, setAttribute() {} }),
  addEventListener: (name, fn) => (listeners[name] = fn),
});
globalThis.window = { addEventListener() {} };
globalThis.location = { pathname: "/customers/acme", search: "?a=b", replace: (to) => opened.push(to) };
globalThis.performance.now = () => now;
globalThis.fetch = () => answer();
mock.timers.enable({ apis: ["setTimeout"] });

/** Lets seconds pass, with what is due in them. */
async function pass(seconds) {
  for (let i = 0; i < seconds * 2; i++) {
    now += 500;
    mock.timers.tick(500);
    await new Promise(setImmediate);
  }
}

await import("./idle.js");

test("while nobody answers, the page goes half a minute after the limit, and opens itself again when somebody does", async () => {
  await pass(30);
  answer = () => Promise.resolve({ ok: true, json: () => ({ idle: 40, ends: 4000 }) }); // another tab was used
  await pass(11);
  answer = () => Promise.reject(new TypeError("cannot be reached"));
  await pass(30);
  listeners["session:told"](); // somebody types; the limit begins anew
  const typed = now;
  await pass(69);
  assert.deepEqual(page.body.children, ["Acme AB"]);
  await pass(14);
  assert.ok(now - typed < 85_000);
  const [main] = page.body.children;
  assert.equal(main.name, "main");
  const [text, link] = main.children;
  assert.match(text.textContent, /signed out for safety; frontdesk cannot be reached/);
  assert.equal(link.href, "/customers/acme?a=b");
  assert.equal(page.title, "frontdesk");
  assert.deepEqual(opened, []);
  answer = () => Promise.resolve({ type: "opaqueredirect" });
  await pass(11);
  assert.deepEqual(opened, ["/customers/acme?a=b"]);
});
