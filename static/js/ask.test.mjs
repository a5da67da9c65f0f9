import assert from "node:assert/strict";
import { test } from "node:test";
import { asker } from "./ask.js";

// A server that answers when it is told to.
function rig() {
  const asked = [], did = [];
  const a = asker({
    pause: 5,
    ask: (text) => new Promise((answer, refuse) => asked.push({ text, answer: () => answer(text), refuse })),
    show: (answer) => did.push(`show ${answer}`),
    open: () => did.push("open"),
    fail: () => did.push("fail"),
  });
  return { a, asked, did };
}
const soon = (ms = 0) => new Promise((done) => setTimeout(done, ms));

test("asks once for what is typed in one go", async () => {
  const { a, asked } = rig();
  for (const text of ["n", "no", "nor"]) a.type(text);
  await soon(20);
  assert.deepEqual(asked.map((q) => q.text), ["nor"]);
});

test("an older answer never takes the place of a newer one", async () => {
  const { a, asked, did } = rig();
  a.type("n");
  await soon(20);
  a.type("no");
  await soon(20);
  asked[1].answer();
  await soon();
  asked[0].answer();
  await soon();
  assert.deepEqual(did, ["show no"]);
});

test("Enter opens at once what is shown", async () => {
  const { a, asked, did } = rig();
  a.type("nor");
  await soon(20);
  asked[0].answer();
  await soon();
  a.enter();
  assert.deepEqual(did, ["show nor", "open"]);
});

test("Enter before the answer waits for it, and asks at once", async () => {
  const { a, asked, did } = rig();
  a.begin("");
  asked[0].answer();
  await soon();
  a.type("nor");
  a.enter(); // what is shown is the answer to nothing
  assert.deepEqual(asked.map((q) => q.text), ["", "nor"]);
  assert.deepEqual(did, ["show "]);
  asked[1].answer();
  await soon(20);
  assert.deepEqual(did, ["show ", "show nor", "open"]);
  assert.equal(asked.length, 2, "it is not asked for again when the pause is over");
});

test("Enter while the answer is under way asks no second time", async () => {
  const { a, asked, did } = rig();
  a.type("nor");
  await soon(20);
  a.enter();
  a.enter();
  asked[0].answer();
  await soon();
  assert.equal(asked.length, 1);
  assert.deepEqual(did, ["show nor", "open"]);
});

test("typing on after Enter takes it back", async () => {
  const { a, asked, did } = rig();
  a.type("nor");
  a.enter();
  a.type("nord");
  asked[0].answer();
  await soon(20);
  asked[1].answer();
  await soon();
  assert.deepEqual(did, ["show nor", "show nord"]);
});

test("without an answer nothing is opened, and Enter asks again", async () => {
  const { a, asked, did } = rig();
  a.type("nor");
  a.enter();
  asked[0].refuse(new Error("unreachable"));
  await soon();
  assert.deepEqual(did, ["fail"]);
  a.enter();
  asked[1].answer();
  await soon();
  assert.deepEqual(did, ["fail", "show nor", "open"]);
});

test("what comes after the end is nobody's", async () => {
  const { a, asked, did } = rig();
  a.begin("nor");
  a.enter();
  a.end();
  asked[0].answer();
  await soon(20);
  assert.deepEqual(did, []);
});
