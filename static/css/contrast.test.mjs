// Holds the themes to WCAG AA: the numbers are computed from css/app.css itself.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const css = readFileSync(new URL("app.css", import.meta.url), "utf8");

function themes() {
  const found = {};
  for (const [, body] of css.matchAll(/@plugin "daisyui\/theme" \{([^}]*)\}/g)) {
    const name = body.match(/name: "([^"]+)"/)[1];
    found[name] = Object.fromEntries(
      [...body.matchAll(/--color-([a-z0-9-]+):\s*oklch\(([\d.]+)% ([\d.]+) ([\d.]+)\)/g)]
        .map(([, key, l, c, h]) => [key, oklab(l / 100, +c, +h)]),
    );
  }
  return found;
}

const oklab = (l, c, h) => [l, c * Math.cos((h * Math.PI) / 180), c * Math.sin((h * Math.PI) / 180)];

// OKLab to linear sRGB, as in CSS Color 4.
function linear([L, a, b]) {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

const clip = (rgb) => rgb.map((v) => Math.min(1, Math.max(0, v)));
const luminance = (lab) => {
  const [r, g, b] = clip(linear(lab));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (x, y) => {
  const [hi, lo] = [luminance(x), luminance(y)].sort((p, q) => q - p);
  return (hi + 0.05) / (lo + 0.05);
};
// The tint behind a soft badge or alert: color-mix(in oklab, the colour 10%, the surface).
const tint = (colour, surface) => colour.map((v, i) => 0.1 * v + 0.9 * surface[i]);

const found = themes();

test("both themes are there, with the same tokens", () => {
  assert.deepEqual(Object.keys(found), ["frontdesk-light", "frontdesk-dark"]);
  assert.deepEqual(Object.keys(found["frontdesk-light"]), Object.keys(found["frontdesk-dark"]));
});

for (const [name, t] of Object.entries(found)) {
  const pairs = [
    ["base-content", "base-100", 7],
    ["base-content", "base-200", 7],
    ["base-content", "base-300", 7],
    ["muted", "base-100", 4.5],
    ["muted", "base-200", 4.5],
    ["muted", "base-300", 4.5],
    ["outline", "base-100", 3],
    ["outline", "base-200", 3],
    ["neutral-content", "neutral", 4.5],
    ...["primary", "secondary", "accent", "info", "success", "warning", "error"].flatMap((c) => [
      [`${c}-content`, c, 4.5],
      [c, "base-100", 4.5],
      [c, "base-200", 4.5],
    ]),
  ];
  for (const [fore, back, least] of pairs) {
    test(`${name}: ${fore} on ${back} is ${least}:1 or more`, (t2) => {
      const ratio = contrast(t[fore], t[back]);
      t2.diagnostic(`${name} ${fore} on ${back}: ${ratio.toFixed(2)}`);
      assert.ok(ratio >= least, `${ratio.toFixed(2)}:1`);
    });
  }
  for (const c of ["primary", "info", "success", "warning", "error"]) {
    test(`${name}: ${c} on its own soft tint is 4.5:1 or more`, () => {
      for (const surface of ["base-100", "base-200"]) {
        const ratio = contrast(t[c], tint(t[c], t[surface]));
        assert.ok(ratio >= 4.5, `on ${surface} ${ratio.toFixed(2)}:1`);
      }
    });
  }
  test(`${name}: kinds of act in a chart stand out from the surface, and neighbours from each other in grey`, () => {
    const kinds = [1, 2, 3, 4, 5].map((n) => t[`kind-${n}`]).concat([t.outline]);
    for (const [i, kind] of kinds.entries()) {
      assert.ok(contrast(kind, t["base-100"]) >= 3, `kind ${i + 1}: ${contrast(kind, t["base-100"]).toFixed(2)}:1`);
      if (i > 0) assert.ok(Math.abs(kind[0] - kinds[i - 1][0]) >= 0.15, `kinds ${i} and ${i + 1} are as light as each other`);
    }
  });
  test(`${name}: every colour can be shown in sRGB`, () => {
    for (const [token, lab] of Object.entries(t)) {
      const rgb = linear(lab);
      assert.ok(rgb.every((v) => v > -0.002 && v < 1.002), `${token}: ${rgb.map((v) => v.toFixed(3))}`);
    }
  });
}
