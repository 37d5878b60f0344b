// Looks at a site in a browser, from the disk: `node browser.mjs SITE CHROMIUM [SHOTS]`. Prints what
// it finds wrong, a line each, and ends with 1 if there is any. With SHOTS it leaves pictures there.
import { createRequire } from "node:module";
import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [site, chromium, shots] = process.argv.slice(2);
const require = createRequire(join(process.cwd(), "package.json"));
const puppeteer = (await import(pathToFileURL(require.resolve("puppeteer-core")))).default;
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const root = pathToFileURL(site).href.replace(/\/?$/, "/");
const problems = [];
const problem = (page, text) => problems.push(`${page}: ${text}`);
const first = (folder, part = "") => `${folder}/${readdirSync(join(site, folder)).sort().find((name) => name.includes(part))}`;
const has = (folder, part) => readdirSync(join(site, folder)).some((name) => name.includes(part));

// One page of each kind, and those with the most on them.
const pages = ["index.html", "map.html", first("subdomains", "learning"), first("services", "lms"),
  "events/org.openedx.learning.certificate.created.v1.html"];
if (has("events", "org.example")) pages.push(first("events", "created.v2"), first("events", "created.v3"), first("services", "search"), "changelog.html");
if (shots) mkdirSync(shots, { recursive: true });
const WIDTHS = [360, 768, 1440];

const browser = await puppeteer.launch({
  executablePath: chromium,
  headless: true,
  protocolTimeout: 180_000,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions", "--no-first-run"],
});

async function open(scheme) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }, { name: "prefers-reduced-motion", value: "reduce" }]);
  const here = () => page.url().slice(root.length);
  page.on("console", (message) => { if (["error", "warn"].includes(message.type())) problem(here(), `console: ${message.text()}`); });
  page.on("pageerror", (error) => problem(here(), `script: ${error.message}`));
  page.on("requestfailed", (request) => problem(here(), `not loaded: ${request.url()}`));
  page.on("request", (request) => { if (!request.url().startsWith(root) && !request.url().startsWith("data:")) problem(here(), `request: ${request.url()}`); });
  return page;
}

// What a scroll bar does not show: a comma on a line of its own, a picture that is cut.
function stray() {
  const wrong = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const before = texts.currentNode.previousElementSibling;
    if (!before || texts.currentNode.textContent.trim() !== ",") continue;
    const range = document.createRange();
    range.selectNode(texts.currentNode);
    const comma = range.getBoundingClientRect();
    const word = [...before.getClientRects()].pop();
    if (word && comma.height && comma.top > word.bottom - 1) wrong.push(`a lone comma behind ${before.textContent}`);
  }
  const pictures = [...document.querySelectorAll("svg.flow")].filter((svg) => svg.getClientRects().length);
  if (document.querySelector("svg.flow") && pictures.length !== 1) wrong.push(`${pictures.length} pictures of the map`);
  for (const part of pictures.flatMap((svg) => [svg, ...svg.querySelectorAll("text")])) {
    const { left, right } = part.getBoundingClientRect();
    if (left < -1 || right > innerWidth + 1) wrong.push(`cut: ${part.textContent.slice(0, 40)}`);
  }
  return wrong;
}

async function looks() {
  for (const scheme of ["light", "dark"]) {
    const page = await open(scheme);
    for (const path of pages) {
      await page.setViewport({ width: 1440, height: 900 });
      await page.goto(root + path);
      const name = `${path} (${scheme})`;
      for (const width of WIDTHS) {
        await page.setViewport({ width, height: 900 });
        const [wide, shown] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
        if (wide > shown) {
          const widest = await page.evaluate(() => [...document.querySelectorAll("body *")]
            .filter((e) => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 3).map((e) => e.outerHTML.slice(0, 90)));
          problem(name, `scrolls sideways at ${width}: ${wide}; ${widest.join(" | ")}`);
        }
        for (const wrong of await page.evaluate(stray)) problem(name, `at ${width}: ${wrong}`);
        if (shots) {
          await page.screenshot({ fullPage: width < 1000 && path === "map.html", path: join(shots, `${path.replace(/[/]/g, "_").slice(0, 60)}-${scheme}-${width}.png`) });
        }
      }
      // The narrow page is another layout: it is judged in one scheme, the wide one in both.
      for (const width of scheme === "light" ? [360, 1440] : [1440]) {
        await page.setViewport({ width, height: 900 });
        await page.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
        await page.evaluate(axe);
        const { violations, passes } = await page.evaluate(() => window.axe.run({ preload: false }));
        if (passes.length < 20) problem(name, `axe looked at ${passes.length} rules only`);
        for (const { id, help, nodes } of violations) {
          problem(name, `axe at ${width}: ${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 120)).join(" | ")}`);
        }
      }
    }
    if (shots) {
      await page.goto(root + pages[4]);
      await page.pdf({ path: join(shots, `event-${scheme}.pdf`), format: "A4" });
      await page.goto(root + "index.html");
      await page.pdf({ path: join(shots, `start-${scheme}.pdf`), format: "A4" });
    }
    await page.close();
  }
}

const expect = (name, is, wanted) => { if (is !== wanted) problem(name, `${JSON.stringify(is)} instead of ${JSON.stringify(wanted)}`); };

async function works() {
  const page = await open("light");
  await page.setViewport({ width: 1440, height: 900 });
  const event = "events/org.openedx.learning.certificate.created.v1.html";
  const here = () => page.url().slice(root.length);
  const go = async (act) => { await Promise.all([page.waitForNavigation(), act()]); };

  // By the keyboard: past the bar, into the search, to a page.
  await page.goto(root + "index.html");
  await page.keyboard.press("Tab");
  expect("skip link", await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("Enter");
  expect("skip link", await page.evaluate(() => document.activeElement.id), "main");
  await page.keyboard.press("/");
  expect("slash", await page.evaluate(() => document.activeElement.id), "search");
  await page.keyboard.type("certificate crea");
  await page.waitForSelector("#found li");
  expect("found", await page.$eval("#found li strong", (e) => e.textContent), "Certificate created");
  await page.keyboard.press("ArrowDown");
  expect("active", await page.$eval("#search", (e) => e.getAttribute("aria-activedescendant")), "found-0");
  await page.evaluate(axe);
  for (const { id } of (await page.evaluate(() => window.axe.run({ preload: false }))).violations) problem("open search", `axe: ${id}`);
  if (shots) await page.screenshot({ path: join(shots, "search.png") });
  await go(() => page.keyboard.press("Enter"));
  expect("enter", here(), event);

  // By words of fields; by nothing.
  await page.type("#search", "certificate.user.pii.email");
  await page.waitForFunction(() => /\d+ found/.test(document.getElementById("finding").textContent));
  expect("dotted", await page.$$eval("#found li strong", (all) => all.some((e) => e.textContent === "Certificate created")), true);
  await page.$eval("#search", (e) => { e.value = ""; });
  await page.type("#search", "download_url");
  await page.waitForFunction(() => /\d+ found/.test(document.getElementById("finding").textContent));
  await page.$eval("#search", (e) => { e.value = ""; });
  await page.type("#search", "zzzz");
  await page.waitForFunction(() => document.getElementById("finding").textContent === "Nothing found");
  await page.keyboard.press("Escape");
  expect("escape", await page.$eval("#search", (e) => e.getAttribute("aria-expanded")), "false");

  // By the pointer: start, subdomain, event, service.
  await page.goto(root + "index.html");
  await go(() => page.click('h2 a[href="subdomains/learning.html"]'));
  await go(() => page.click('.events a[href$="certificate.created.v1.html"]'));
  expect("click", here(), event);
  await go(() => page.click('.facts a[href="../services/lms.html"]'));
  await go(() => page.click('.trail a[href="../map.html"]'));
  expect("trail", here(), "map.html");
  await go(() => page.click('.flow.wide a[href="services/credentials.html"]'));
  expect("map", here(), "services/credentials.html");

  // Copy, and paste it.
  await page.goto(root + event);
  await page.bringToFront();
  const code = await page.$eval("#examples + .code code", (e) => e.textContent);
  await page.click("#examples + .code button.copy");
  await page.waitForFunction(() => document.querySelector("#examples + .code button.copy").textContent === "Copied");
  const pasted = await page.evaluateHandle(() => { const area = document.createElement("textarea"); document.body.append(area); area.focus(); return area; });
  await page.keyboard.press("v", { commands: ["Paste"] });
  expect("paste", await pasted.evaluate((area) => area.value), code);

  // The switch holds on the next page.
  await page.goto(root + "index.html");
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await page.click("#theme");
  const dark = await background();
  if (light === dark) problem("theme", `the switch changes nothing: ${dark}`);
  await page.goto(root + event);
  expect("theme", await background(), dark);
  await page.close();
}

try {
  await works();
  await looks();
} finally {
  await browser.close();
}
for (const text of problems) console.log(text);
console.error(`${pages.length} pages looked at`);
process.exit(problems.length ? 1 : 0);
