import assert from "node:assert/strict";
import { test } from "node:test";

// The answer to a form that failed: draft.js keeps what is in it at once.
const form = { elements: [], getAttribute: () => "/sms" };
let unknown = null;
const sent = [];
globalThis.document = {
  readyState: "complete",
  body: { dataset: { idle: "1800", path: "/sms" } },
  addEventListener() {},
  dispatchEvent() {},
  querySelector: (selector) => (selector === "[data-unknown]" ? unknown : null),
  querySelectorAll: () => [form],
};
globalThis.window = { addEventListener() {} };
globalThis.location = { pathname: "/sms", search: "" };
globalThis.FormData = class { *[Symbol.iterator]() { yield ["phone", "+4670"]; } };
globalThis.fetch = async (path, { body }) => (sent.push(`${path} ${body}`), { type: "basic" });
const soon = () => new Promise((done) => setTimeout(done, 20));

test("what may have been carried out is kept as no draft", async () => {
  unknown = {};
  await import("./draft.js?unknown");
  await soon();
  assert.deepEqual(sent, []);
});

test("what failed is kept", async () => {
  unknown = null;
  await import("./draft.js?failed");
  await soon();
  assert.deepEqual(sent, ["/session/active path=%2Fsms&post=%2Fsms&form=phone%3D%252B4670"]);
});
