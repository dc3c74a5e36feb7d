"use strict";
const scheme = document.getElementById("scheme");
const system = matchMedia("(prefers-color-scheme: dark)");
let dark = null;

// Where a browser keeps nothing for a local file, the choice holds until the page is left.
function recall() {
  try { return localStorage.getItem("report-scheme"); } catch { return null; }
}

function paint() {
  const now = dark ?? system.matches;
  document.documentElement.style.colorScheme = dark === null ? "" : now ? "dark" : "light";
  scheme.textContent = now ? "Light" : "Dark";
  scheme.setAttribute("aria-label", `Change to ${now ? "light" : "dark"} colours`);
}

scheme.addEventListener("click", () => {
  dark = !(dark ?? system.matches);
  try { localStorage.setItem("report-scheme", dark ? "dark" : "light"); } catch { /* as above */ }
  paint();
});
system.addEventListener("change", paint);
if (recall()) dark = recall() === "dark";
paint();

function value(row, column) {
  const cell = row.cells[column];
  return cell.dataset.sort === undefined ? cell.textContent.trim() : Number(cell.dataset.sort);
}

// Numbers before words, and what is not known last, whichever way the order goes.
function compare(a, b, sign) {
  if (a === "" || b === "") return (a === "") - (b === "");
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return sign * (typeof a === "number" ? a - b : a.localeCompare(b, "en", {numeric: true}));
}

for (const table of document.querySelectorAll("table")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  heads.forEach((head, column) => {
    if ([...body.rows].some(row => row.cells[column].classList.contains("number"))) head.classList.add("number");
    head.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      body.append(...[...body.rows].sort((a, b) => compare(value(a, column), value(b, column), up ? 1 : -1)));
    });
  });
}

// A map draws as soon as it is there, so each waits until its network is opened.
function embed(place) {
  const page = place.querySelector("script");
  if (!page) return;
  const frame = document.createElement("iframe");
  frame.title = place.dataset.title;
  frame.srcdoc = JSON.parse(page.textContent);
  place.replaceChildren(frame);
}

for (const block of document.querySelectorAll("details")) {
  block.addEventListener("toggle", () => {
    if (block.open) block.querySelectorAll(".map").forEach(embed);
  });
}

for (const button of document.querySelectorAll(".all")) {
  button.addEventListener("click", () => {
    for (const block of button.closest("section").querySelectorAll("details")) block.open = button.dataset.open === "true";
  });
}

function unfold() {
  const wanted = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (wanted?.matches("details")) wanted.open = true;
}
addEventListener("hashchange", unfold);
unfold();
