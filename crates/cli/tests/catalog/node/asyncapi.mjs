// Holds AsyncAPI documents against the official parser: `node asyncapi.mjs FILE…`. Prints what it
// finds wrong, a line each, and ends with 1 if there is any.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "package.json"));
const { Parser } = require("@asyncapi/parser");

let wrong = 0;
for (const file of process.argv.slice(2)) {
  const { document, diagnostics } = await new Parser().parse(readFileSync(file, "utf8"));
  // 0 is an error and 1 a warning; the rest are hints of taste.
  for (const { severity, message, path } of diagnostics.filter((found) => found.severity <= 1)) {
    console.log(`${file}: ${severity === 0 ? "error" : "warning"}: ${path.join(".")}: ${message}`);
    wrong += 1;
  }
  if (!document) { wrong += 1; continue; }
  console.error(JSON.stringify({
    version: document.version(),
    channels: document.channels().all().length,
    operations: document.operations().all().length,
    messages: document.components().messages().all().length,
  }));
}
process.exit(wrong ? 1 : 0);
