// Search. The index comes as scripts, so that it also works for a site on a disk; they are loaded when the reader
// first goes to the search box. Each script holds some sections and the sorted words that lead to them.
"use strict";

const siteSearch = (() => {
  const SHOWN = 24;
  const box = document.querySelector(".search");
  const input = box.querySelector("input");
  const results = box.querySelector(".results");
  const root = document.documentElement.dataset.root;
  const chunks = [];
  let expected = null;
  let failed = false;
  let begun = false;
  let selected = -1;

  box.hidden = false;

  // The same as the indexer does to the text.
  const words = (text) => {
    const folded = [...text.normalize("NFKD").replace(/\p{M}/gu, "")].map((c) => c.toLowerCase()).join("");
    return folded.match(/[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[\p{Alphabetic}\p{N}]+?(?=[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\p{Alphabetic}\p{N}]|$)/gu) || [];
  };

  const load = (name) => {
    const script = document.createElement("script");
    script.src = root + "site-assets/search/" + name;
    script.onerror = () => {
      failed = true;
      show();
    };
    document.head.append(script);
  };

  const begin = () => {
    if (!begun) {
      begun = true;
      load("chunks.js");
    }
  };

  // The first place at which `word` could stand among the sorted words. They are sorted by code point.
  const lowerBound = (sorted, word) => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (before(sorted[middle], word)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  };

  const before = (a, b) => {
    const left = a[Symbol.iterator]();
    const right = b[Symbol.iterator]();
    for (;;) {
      const x = left.next();
      const y = right.next();
      if (x.done || y.done) {
        return x.done && !y.done;
      }
      if (x.value !== y.value) {
        return x.value.codePointAt(0) < y.value.codePointAt(0);
      }
    }
  };

  // How well each section of a chunk goes with a word: in full, or as the start of a longer one.
  const hits = (chunk, word) => {
    const scores = new Map();
    for (let at = lowerBound(chunk.words, word); at < chunk.words.length; at++) {
      const found = chunk.words[at];
      if (!found.startsWith(word)) {
        break;
      }
      const share = found === word ? 1 : (0.6 * word.length) / found.length;
      const list = chunk.hits[at];
      for (let i = 0; i < list.length; i += 2) {
        const score = list[i + 1] * share;
        if (score > (scores.get(list[i]) || 0)) {
          scores.set(list[i], score);
        }
      }
    }
    return scores;
  };

  const find = (query) => {
    const found = [];
    for (const chunk of chunks) {
      const [first, ...others] = query.map((word) => hits(chunk, word));
      for (const [section, score] of first) {
        let sum = score;
        if (others.every((scores) => scores.has(section) && (sum += scores.get(section)))) {
          const [page, anchor, heading, text] = chunk.sections[section];
          const [path, title] = chunk.pages[page];
          found.push({ score: sum, path, title, anchor, heading, text });
        }
      }
    }
    return found.sort((a, b) => b.score - a.score || (a.path < b.path ? -1 : 1)).slice(0, SHOWN);
  };

  const element = (name, className, ...content) => {
    const made = document.createElement(name);
    made.className = className;
    made.append(...content);
    return made;
  };

  // Text around the first word that was asked for, with all of them marked.
  const excerpt = (text, asked) => {
    const starts = asked.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
    const pattern = new RegExp(`(?<![\\p{Alphabetic}\\p{N}])(?:${starts})`, "giu");
    const at = Math.max(text.search(pattern), 0);
    let start = 0;
    if (at > 60) {
      const space = text.indexOf(" ", at - 60);
      start = space >= 0 && space < at ? space + 1 : at;
    }
    const rest = text.slice(start);
    const end = rest.length > 170 ? rest.lastIndexOf(" ", 170) : rest.length;
    const cut = (start > 0 ? "…" : "") + rest.slice(0, end > 0 ? end : 170) + (rest.length > 170 ? "…" : "");
    const parts = [];
    let last = 0;
    for (const match of cut.matchAll(pattern)) {
      parts.push(cut.slice(last, match.index), element("mark", "", match[0]));
      last = match.index + match[0].length;
    }
    parts.push(cut.slice(last));
    return parts;
  };

  const link = (found, asked, at) => {
    const made = element("a", "");
    made.href = root + found.path.split("/").map(encodeURIComponent).join("/") + (found.anchor ? "#" + encodeURIComponent(found.anchor) : "");
    made.id = "result-" + at;
    made.setAttribute("role", "option");
    const where = element("div", "where", found.heading || found.title);
    if (found.heading && found.heading !== found.title) {
      where.append(element("span", "page", " · " + found.title));
    }
    made.append(where);
    if (found.text) {
      made.append(element("div", "excerpt", ...excerpt(found.text, asked)));
    }
    return made;
  };

  const show = () => {
    const query = words(input.value);
    results.replaceChildren();
    select(-1);
    results.hidden = query.length === 0;
    input.setAttribute("aria-expanded", String(query.length > 0));
    if (query.length === 0) {
      return;
    }
    const found = find(query);
    found.forEach((one, at) => results.append(link(one, query, at)));
    const complete = expected !== null && chunks.length >= expected;
    if (failed) {
      results.append(element("p", "", "A part of the index could not be loaded."));
    } else if (!complete) {
      results.append(element("p", "", "Loading the index…"));
    } else if (found.length === 0) {
      results.append(element("p", "", `Nothing found for “${input.value.trim()}”.`));
    }
    if (found.length > 0) {
      select(0);
    }
  };

  const select = (at) => {
    const links = results.querySelectorAll("a");
    links[selected]?.removeAttribute("aria-selected");
    selected = at;
    const link = links[at];
    if (link) {
      link.setAttribute("aria-selected", "true");
      link.scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", link.id);
    } else {
      input.removeAttribute("aria-activedescendant");
    }
  };

  const close = () => {
    results.hidden = true;
    input.setAttribute("aria-expanded", "false");
  };

  input.addEventListener("focus", () => {
    begin();
    show();
  });
  input.addEventListener("input", show);
  input.addEventListener("keydown", (event) => {
    const links = results.querySelectorAll("a");
    if (event.key === "ArrowDown" && links.length > 0) {
      event.preventDefault();
      select((selected + 1) % links.length);
    } else if (event.key === "ArrowUp" && links.length > 0) {
      event.preventDefault();
      select((selected + links.length - 1) % links.length);
    } else if (event.key === "Enter" && links[selected]) {
      event.preventDefault();
      links[selected].click();
    } else if (event.key === "Escape") {
      input.blur();
      close();
    }
  });
  results.addEventListener("click", close);
  document.addEventListener("click", (event) => {
    if (!box.contains(event.target)) {
      close();
    }
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    const slash = event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (slash || (event.key === "k" && (event.ctrlKey || event.metaKey))) {
      event.preventDefault();
      input.focus();
      input.select();
    }
  });

  return {
    // Called by the list of chunks, and by each chunk.
    begin(names) {
      expected = names.length;
      names.forEach(load);
      show();
    },
    add(chunk) {
      chunks.push(chunk);
      show();
    },
  };
})();
