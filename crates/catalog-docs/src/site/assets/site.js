// The theme, the search and the copy buttons. Without this script everything can be read.
"use strict";
(() => {
  const root = document.documentElement;
  const up = document.currentScript.dataset.up;

  // --- theme: what the system says, unless the reader chose -------------------------------------
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const store = {
    get() { try { return localStorage.getItem("theme"); } catch { return null; } },
    set(value) { try { localStorage.setItem("theme", value); } catch { /* a page on a disk may have none */ } },
  };
  const chosen = store.get();
  if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;

  function themeButton() {
    const button = document.getElementById("theme");
    const isDark = () => (root.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
    const show = () => {
      button.textContent = isDark() ? "Light" : "Dark";
      button.setAttribute("aria-label", isDark() ? "Switch to light colours" : "Switch to dark colours");
    };
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      store.set(root.dataset.theme);
      show();
    });
    dark.addEventListener("change", show);
    button.hidden = false;
    show();
  }

  // --- copy -------------------------------------------------------------------------------------
  function copied(text) {
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
    // Without a secure context, as over plain HTTP.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "unseen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done ? Promise.resolve() : Promise.reject(new Error("not copied"));
  }

  function copyButtons() {
    for (const button of document.querySelectorAll("button.copy")) {
      button.hidden = false;
      button.addEventListener("click", async () => {
        const id = button.dataset.copies;
        const source = id ? document.getElementById(id) : button.parentElement.querySelector("code");
        let word = "Copied";
        try { await copied(source.textContent); } catch { word = "Select it by hand"; }
        button.textContent = word;
        setTimeout(() => { button.textContent = "Copy"; }, 1600);
      });
    }
  }

  // --- search -----------------------------------------------------------------------------------
  let index;
  function load() {
    index ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = `${up}assets/search.js`;
      script.onload = () => resolve(window.tidingsIndex.map((entry) => [...entry, entry[1].toLowerCase(), entry[2].toLowerCase()]));
      script.onerror = reject;
      document.head.append(script);
    });
    return index;
  }

  // All words must be there; the nearer to the beginning of the title or the type, the better.
  function rank(entry, words) {
    const [, , , more, title, type] = entry;
    let sum = 0;
    for (const word of words) {
      let best = 0;
      const inTitle = title.indexOf(word);
      const inType = type.indexOf(word);
      if (inTitle === 0) best = 100;
      else if (inTitle > 0) best = title[inTitle - 1] === " " ? 80 : 50;
      if (inType >= 0) best = Math.max(best, /[._-]/.test(type[inType - 1] ?? ".") ? 60 : 40);
      if (!best) {
        const inMore = more.indexOf(word);
        if (inMore >= 0) best = inMore === 0 || /\W|_/.test(more[inMore - 1]) ? 20 : 10;
      }
      if (!best) return 0;
      sum += best;
    }
    return sum;
  }

  async function find(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    const entries = await load();
    return entries
      .map((entry) => [rank(entry, words), entry])
      .filter(([points]) => points > 0)
      .sort((a, b) => b[0] - a[0] || a[1][1].length - b[1][1].length)
      .map(([, entry]) => entry);
  }

  function searchBox() {
    const input = document.getElementById("search");
    const list = document.getElementById("found");
    const status = document.getElementById("finding");
    const SHOWN = 12;
    let active = -1;
    let asked = 0;

    const close = () => {
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
      active = -1;
    };
    const choose = (next) => {
      const options = [...list.children];
      if (!options.length) return;
      active = (next + options.length) % options.length;
      options.forEach((option, i) => option.setAttribute("aria-selected", String(i === active)));
      options[active].scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", options[active].id);
    };
    const update = async () => {
      const turn = ++asked;
      let found;
      try { found = await find(input.value); } catch { status.textContent = "The search index cannot be loaded"; return; }
      if (turn !== asked) return;
      list.replaceChildren(...found.slice(0, SHOWN).map(([path, title, about], i) => {
        const option = document.createElement("li");
        option.id = `found-${i}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.dataset.href = up + path;
        const name = document.createElement("strong");
        name.textContent = title;
        const second = document.createElement("span");
        second.textContent = about;
        option.append(name, second);
        option.addEventListener("click", () => { location.href = option.dataset.href; });
        // The focus stays in the box, so that a click is not taken for leaving it.
        option.addEventListener("mousedown", (event) => event.preventDefault());
        return option;
      }));
      const asks = input.value.trim() !== "";
      status.textContent = !asks ? "" : found.length ? `${found.length} found` : "Nothing found";
      status.classList.toggle("unseen", !asks || found.length > 0);
      active = -1;
      input.removeAttribute("aria-activedescendant");
      list.hidden = !found.length;
      input.setAttribute("aria-expanded", String(found.length > 0));
    };
    input.addEventListener("focus", () => { load().catch(() => {}); if (input.value) update(); });
    input.addEventListener("input", update);
    input.addEventListener("blur", () => { close(); status.classList.add("unseen"); });
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown") { event.preventDefault(); choose(active + 1); }
      else if (event.key === "ArrowUp") { event.preventDefault(); choose(active < 0 ? -1 : active - 1); }
      else if (event.key === "Enter") {
        const option = list.children[Math.max(active, 0)];
        if (option && !list.hidden) location.href = option.dataset.href;
      } else if (event.key === "Escape") { if (list.hidden) input.value = ""; close(); status.classList.add("unseen"); }
    });
    document.addEventListener("keydown", (event) => {
      const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName);
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        input.focus();
      }
    });
    input.closest(".search").hidden = false;
  }

  // --- print: folded lists are opened; folded code is left out ----------------------------------
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details:not([open]):not(:has(> .code))")) {
      details.open = true;
      details.dataset.opened = "";
    }
  });
  addEventListener("afterprint", () => {
    for (const details of document.querySelectorAll("details[data-opened]")) {
      details.open = false;
      delete details.dataset.opened;
    }
  });

  document.addEventListener("DOMContentLoaded", () => { themeButton(); copyButtons(); searchBox(); });
})();
