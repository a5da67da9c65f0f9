import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { follow } from "./stream.js";

mock.timers.enable({ apis: ["setTimeout"] });

// A browser's streams: each is what it is told to be.
const streams = [];
globalThis.EventSource = class {
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSED = 2;
  readyState = 0;
  on = {};
  constructor(address) {
    this.address = address;
    streams.push(this);
  }
  addEventListener(name, fn) { this.on[name] = fn; }
  close() { this.readyState = 2; }
  refuse() {
    this.readyState = 2;
    this.on.error();
  }
};
const rig = () => {
  streams.length = 0;
  const got = [];
  return { got, stream: follow("/live", { part: (data) => got.push(data), end: () => got.push("the end") }) };
};

test("parts and the end are handed on", () => {
  const { got } = rig();
  streams[0].on.part({ data: "<p>" });
  streams[0].on.end({});
  assert.deepEqual(got, ["<p>", "the end"]);
  assert.equal(streams[0].address, "/live");
});

test("a stream that was refused is tried again, more and more seldom", () => {
  rig();
  for (const [soonest, latest] of [[5, 7.5], [10, 15], [20, 30], [40, 60], [80, 120], [120, 180], [120, 180]]) {
    const before = streams.length;
    streams.at(-1).refuse();
    mock.timers.tick(soonest * 1000 - 1);
    assert.equal(streams.length, before, `within ${soonest} s`);
    mock.timers.tick((latest - soonest) * 1000 + 1);
    assert.equal(streams.length, before + 1, `after ${latest} s`);
  }
  streams.at(-1).on.part({ data: "it is there" });
  streams.at(-1).refuse();
  const before = streams.length;
  mock.timers.tick(7_500);
  assert.equal(streams.length, before + 1, "soon again after it was there");
});

test("one that broke off is left to the browser", () => {
  rig();
  streams[0].on.error();
  mock.timers.tick(300_000);
  assert.equal(streams.length, 1);
});

test("nothing is tried after it was left", () => {
  const { stream } = rig();
  streams[0].refuse();
  stream.close();
  mock.timers.tick(300_000);
  assert.equal(streams.length, 1);
  assert.equal(streams[0].readyState, 2);
});
