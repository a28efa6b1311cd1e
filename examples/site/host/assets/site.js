// What a page can do beyond being read: change colours, open the sidebar, copy code, show hidden lines.
"use strict";

(() => {
  const root = document.documentElement;

  // Colours. The choice was put in place before the page was drawn; here it can be changed.
  const themeButton = document.querySelector(".theme");
  themeButton.hidden = false;
  themeButton.addEventListener("click", () => {
    const theme = root.dataset.theme === "dark" ? "light" : "dark";
    root.dataset.theme = theme;
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // Without storage, the choice lasts as long as the page.
    }
  });

  // The sidebar, which is a drawer on small screens.
  const sidebar = document.getElementById("navigation");
  const menu = document.querySelector(".menu");
  const browse = (open) => {
    root.classList.toggle("browsing", open);
    menu.setAttribute("aria-expanded", String(open));
  };
  menu.addEventListener("click", (event) => {
    event.preventDefault();
    browse(!root.classList.contains("browsing"));
  });
  document.querySelector(".veil").addEventListener("click", (event) => {
    event.preventDefault();
    browse(false);
    if (location.hash === "#navigation") {
      history.replaceState(null, "", location.pathname + location.search);
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      browse(false);
    }
  });
  const current = sidebar.querySelector("[aria-current]");
  if (current) {
    const place = current.getBoundingClientRect();
    const frame = sidebar.getBoundingClientRect();
    if (place.bottom > frame.bottom || place.top < frame.top) {
      sidebar.scrollTop += place.top - frame.top - frame.height / 3;
    }
  }

  // Code blocks.
  const button = (label, className, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = className;
    made.textContent = label;
    made.addEventListener("click", () => act(made));
    return made;
  };
  const toCopy = (block) => {
    const code = block.querySelector("code").cloneNode(true);
    // Of a terminal session, what was typed.
    const session = code.querySelector(".p") !== null;
    const unwanted = block.classList.contains("all") ? ".p, .u" : ".p, .u, .hidden";
    code.querySelectorAll(unwanted).forEach((part) => part.remove());
    const text = code.textContent;
    return session ? text.split("\n").filter((line) => line.trim() !== "").join("\n") + "\n" : text;
  };
  for (const block of document.querySelectorAll(".code")) {
    const tools = document.createElement("div");
    tools.className = "tools";
    if (block.querySelector(".hidden")) {
      tools.append(
        button("Show all", "show", (self) => {
          const all = block.classList.toggle("all");
          self.textContent = all ? "Show less" : "Show all";
        }),
      );
    }
    if (navigator.clipboard && !block.classList.contains("missing")) {
      tools.append(
        button("Copy", "copy", async (self) => {
          try {
            await navigator.clipboard.writeText(toCopy(block));
            self.textContent = "Copied";
          } catch {
            self.textContent = "Not allowed";
          }
          setTimeout(() => (self.textContent = "Copy"), 1500);
        }),
      );
    }
    block.append(tools);
  }

  // Where the reader is on the page.
  const places = new Map();
  for (const link of document.querySelectorAll(".here a")) {
    const heading = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (heading) {
      places.set(heading, link);
    }
  }
  if (places.size > 0 && "IntersectionObserver" in window) {
    const seen = new Set();
    const watcher = new IntersectionObserver(
      (changes) => {
        for (const change of changes) {
          if (change.isIntersecting) {
            seen.add(change.target);
          } else {
            seen.delete(change.target);
          }
        }
        const first = [...places.keys()].find((heading) => seen.has(heading));
        if (first) {
          places.forEach((link, heading) => link.classList.toggle("at", heading === first));
        }
      },
      { rootMargin: "-64px 0px -55% 0px" },
    );
    places.forEach((_, heading) => watcher.observe(heading));
  }
})();
