// Builds everything the pages load into dist/, under names that carry a hash of
// the content, beside .gz and .br siblings and a manifest (plain name → hashed).
// The same sources always give the same bytes.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { build } from "esbuild";

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, "dist");
const modules = join(root, "node_modules");
const run = promisify(execFile);

async function css() {
  const cli = join(modules, "@tailwindcss/cli/dist/index.mjs");
  const { stdout } = await run(process.execPath, [cli, "--input", "css/app.css", "--minify"], {
    cwd: root,
    maxBuffer: 16 << 20,
  });
  if (!stdout.includes("frontdesk-dark")) throw new Error("css/app.css: the themes are missing from the output");
  // Both would be refused by the pages' Content-Security-Policy.
  if (/url\(\s*["']?https?:|@import/.test(stdout)) throw new Error("css/app.css: loads something from elsewhere");
  return stdout;
}

// The CSP forbids eval. htmx only reaches these with allowEval, which we turn
// off; taking them out of the bundle means that there is nothing to reach.
const withoutEval = {
  name: "without-eval",
  setup(b) {
    b.onLoad({ filter: /htmx\.esm\.js$/ }, async ({ path }) => {
      let n = 0;
      const contents = (await readFile(path, "utf8"))
        .replace(/return eval\(str\)/, () => (n++, "return undefined"))
        .replace(/\bnew Function\('event', code\)/, () => (n++, "function() {}"))
        .replace(/\bFunction\((?:conditionalSource|'return \(' \+ str \+ '\)'|'event', 'return \(' \+ str \+ '\)')\)/g,
          () => (n++, "(function() {})"));
      if (n !== 5) throw new Error(`htmx: ${n} of 5 uses of eval found; review withoutEval for this version`);
      return { contents, loader: "js" };
    });
  },
};

async function js() {
  const result = await build({
    absWorkingDir: root,
    entryPoints: ["js/app.js"],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
    plugins: [withoutEval],
  });
  const text = result.outputFiles[0].text;
  if (/\beval\(|\bFunction\(/.test(text)) throw new Error("js/app.js: the bundle can still evaluate text");
  return text;
}

// One <symbol> for each icon; pages show them with <use href="…icons.svg#name">.
async function icons() {
  const names = JSON.parse(await readFile(join(root, "icons.json"), "utf8"));
  if (new Set(names).size !== names.length) throw new Error("icons.json: a name is there twice");
  const files = names.toSorted().map((name) => [name, join(modules, "lucide-static/icons", `${name}.svg`)]);
  files.push(["mark", join(root, "img/bell.svg")]);
  const symbols = await Promise.all(files.map(async ([name, file]) => {
    const source = await readFile(file, "utf8").catch(() => {
      throw new Error(`icons.json: lucide-static has no icon "${name}"`);
    });
    const [, head, body] = source.match(/<svg([^>]*)>([\s\S]*)<\/svg>/);
    const kept = [...head.matchAll(/\b(viewBox|fill|stroke(?:-[a-z]+)?)="[^"]*"/g)].map((m) => m[0]).join(" ");
    return `<symbol id="${name}" ${kept}>${body.replace(/\s*\n\s*/g, "").replaceAll(" />", "/>")}</symbol>`;
  }));
  return `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`;
}

const image = async (name) =>
  (await readFile(join(root, "img", name), "utf8")).replace(/>\s+</g, "><").trim() + "\n";

// The notices that the licences of what we bundle ask us to pass on. package.json has
// what is bundled as dependencies, and what only builds and tests as devDependencies.
async function notices() {
  const { dependencies } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const parts = await Promise.all(Object.keys(dependencies).toSorted().map(async (name) => {
    const { version } = JSON.parse(await readFile(join(modules, name, "package.json"), "utf8"));
    const text = await readFile(join(modules, name, "LICENSE"), "utf8");
    return `${name} ${version}\n\n${text.trim()}\n`;
  }));
  return parts.join(`\n${"-".repeat(72)}\n\n`);
}

const gz = promisify(gzip);
const br = promisify(brotliCompress);

async function emit(name, text) {
  const content = Buffer.from(text);
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 8);
  const dot = name.lastIndexOf(".");
  const hashed = `${name.slice(0, dot)}.${hash}${name.slice(dot)}`;
  const siblings = {
    ".gz": await gz(content, { level: 9, memLevel: 9 }),
    ".br": await br(content, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
        [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
        [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
        [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
      },
    }),
  };
  siblings[".gz"][9] = 255; // the header's operating system: "unknown", wherever it is built
  await writeFile(join(dist, hashed), content);
  const sizes = [content.length];
  for (const [ext, bytes] of Object.entries(siblings)) {
    if (bytes.length < content.length) await writeFile(join(dist, hashed + ext), bytes);
    sizes.push(bytes.length);
  }
  return { name, hashed, sizes };
}

const started = performance.now();
const sources = {
  "app.css": css(),
  "app.js": js(),
  "favicon.svg": image("favicon.svg"),
  "icons.svg": icons(),
  "licenses.txt": notices(),
  "mark.svg": image("mark.svg"),
};
// Every source is built before the old output goes, so a mistake leaves the last good build.
const built = await Promise.all(Object.entries(sources).map(async ([name, text]) => [name, await text]));

await mkdir(dist, { recursive: true });
for (const old of await readdir(dist)) {
  if (old !== ".gitkeep") await rm(join(dist, old), { recursive: true });
}
const emitted = await Promise.all(built.map(([name, text]) => emit(name, text)));
const manifest = Object.fromEntries(emitted.map((e) => [e.name, e.hashed]));
await writeFile(join(dist, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");

for (const { hashed, sizes: [raw, gzipped, brotli] } of emitted) {
  console.log(`${hashed.padEnd(26)} ${String(raw).padStart(7)} B   gzip ${String(gzipped).padStart(6)}   br ${String(brotli).padStart(6)}`);
}
console.log(`built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
