// Holds JSON Schemas against the metaschema of 2020-12 and compiles them, by Ajv: `node schemas.mjs
// FILE…`. Ends with 1 if one is wrong.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "package.json"));
const Ajv = require("ajv/dist/2020").default;

let wrong = 0;
for (const file of process.argv.slice(2)) {
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  try {
    const schema = JSON.parse(readFileSync(file, "utf8"));
    if (!ajv.validateSchema(schema)) throw new Error(ajv.errorsText());
    ajv.compile(schema);
  } catch (error) {
    console.log(`${file}: ${error.message}`);
    wrong += 1;
  }
}
process.exit(wrong ? 1 : 0);
