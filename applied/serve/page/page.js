"use strict";
const OFFERED = 12;
const at = id => document.getElementById(id);
let about, health, shown = null, sent = null, turn = 0;

async function ask(address, options) {
  let answer;
  try { answer = await fetch(address, options); } catch { throw new Error("The server does not answer."); }
  const value = await answer.json().catch(() => ({error: `The server answered with ${answer.status}.`}));
  if (!answer.ok) throw new Error(value.error ?? `The server answered with ${answer.status}.`);
  return value;
}

function say(text, wrong = false) {
  at("status").textContent = text;
  at("status").classList.toggle("wrong", wrong);
}

const percent = share => share > 0 && share < .01 ? "less than 1 %" : share < 1 && share > .99 ? "more than 99 %" : `${Math.round(100 * share)} %`;
const brief = value => value === null ? "–" : value !== 0 && Math.abs(value) < .001 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
const metric = () => document.querySelector("[name=metric]:checked").value;

function thumb(row, lines = []) {
  const item = document.createElement("li"), button = document.createElement("button"), picture = new Image();
  button.type = "button";
  button.dataset.row = row;
  picture.src = `index/${row}`;
  picture.alt = `Image ${row} of the index`;
  picture.decoding = "async";
  button.append(picture, ...lines.map(line => Object.assign(document.createElement("small"), {textContent: line})));
  button.addEventListener("click", () => visit(row));
  item.append(button);
  return item;
}

function offer() {
  const rows = new Set(), n = health.images;
  while (rows.size < Math.min(OFFERED, n)) rows.add(Math.floor(Math.random() * n));
  at("offered").replaceChildren(...[...rows].map(row => thumb(row)));
}

function drawCode() {
  if (!shown) return;
  const canvas = at("code"), style = getComputedStyle(canvas), scale = devicePixelRatio || 1;
  const width = canvas.width = Math.max(1, Math.round(canvas.clientWidth * scale));
  const height = canvas.height = Math.max(1, Math.round(canvas.clientHeight * scale));
  const pen = canvas.getContext("2d"), code = shown.code.map(Number);
  const more = style.getPropertyValue("--accent"), less = style.getPropertyValue("--less");
  const probe = document.createElement("span");
  canvas.append(probe);
  // A canvas takes plain colours only.
  const plain = name => { probe.style.color = `var(${name})`; return getComputedStyle(probe).color; };
  const colours = more && less ? [plain("--accent"), plain("--less"), plain("--line")] : ["#1a5fb4", "#a3350f", "#999"];
  probe.remove();
  const most = Math.max(...code.map(Math.abs), 1e-12);
  if (code.length <= width / 2) {
    const low = Math.min(...code, 0), high = Math.max(...code, 0), reach = high - low || 1;
    const y = value => (height - 4) * (1 - (value - low) / reach) + 2, step = width / code.length;
    code.forEach((value, place) => {
      pen.fillStyle = colours[value < 0 ? 1 : 0];
      pen.fillRect(place * step, Math.min(y(value), y(0)), Math.max(step - (step > 4 ? 1 : 0), 1), Math.abs(y(value) - y(0)));
    });
    pen.fillStyle = colours[2];
    pen.fillRect(0, y(0), width, 1);
    return;
  }
  // Too many for bars: a cell each, the stronger the larger.
  const columns = Math.ceil(Math.sqrt(code.length * width / height)), rows = Math.ceil(code.length / columns);
  code.forEach((value, place) => {
    pen.globalAlpha = Math.abs(value) / most;
    pen.fillStyle = colours[value < 0 ? 1 : 0];
    pen.fillRect((place % columns) * width / columns, Math.floor(place / columns) * height / rows, width / columns, height / rows);
  });
  pen.globalAlpha = 1;
}

function showCode() {
  const {code, shape} = shown, zeros = code.filter(value => value === 0).length;
  const range = code.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  const form = shape.length > 1 ? ` (${shape.join("×")})` : "";
  at("numbers").textContent = `${code.length.toLocaleString("en")} numbers${form} from ${brief(range[0])} to ${brief(range[1])}; ${zeros ? zeros.toLocaleString("en") : "none"} of them ${zeros < 2 ? "is" : "are"} zero.`;
  at("code").setAttribute("aria-label", `The code: ${at("numbers").textContent}`);
  drawCode();
}

function showUnusual() {
  at("unusual").hidden = !shown.anomaly;
  if (!shown.anomaly) return;
  const {by, score, below} = shown.anomaly, known = below !== null;
  at("below").textContent = !known ? "Not known" : below > .99 ? "Very unusual" : below > .9 ? "Unusual" : "Usual";
  at("bar").hidden = !known;
  at("bar").classList.toggle("high", below > .9);
  at("bar").firstElementChild.style.width = `${100 * (below ?? 0)}%`;
  const what = by === "index" ? "Its distance to the nearest training code" : "The mean squared error of its reconstruction";
  const others = known ? ` ${percent(below)} of the images that the network was not trained on have less.` : "";
  const trained = shown.row === null ? "" : " The network was trained on this image.";
  at("score").textContent = `${what} is ${brief(score)}.${others}${trained}`;
  at("bar").setAttribute("aria-label", known ? `${percent(below)} have less` : "");
}

function showCluster() {
  at("clustered").hidden = !shown.cluster;
  if (!shown.cluster) return;
  const {cluster, farther, images, central} = shown.cluster;
  at("cluster").textContent = `Cluster ${cluster}`;
  const size = images ? `${images.toLocaleString("en")} training images are in it, one of ${about.clusters.n} clusters. ` : "";
  at("typical").textContent = size + (farther === null ? "" : `${percent(farther)} of its training images lie farther from its centre than this one.`);
  at("centre").hidden = !central?.length;
  at("central").replaceChildren(...(central ?? []).map(row => thumb(row)));
}

function showNearest() {
  at("near").hidden = !shown.nearest;
  const named = shown.nearest?.some(each => each.class !== undefined);
  at("nearest").replaceChildren(...(shown.nearest ?? []).map(each => thumb(each.row, [
    named ? each.class || "no class" : each.cluster === undefined ? `row ${each.row}` : `cluster ${each.cluster}`,
    brief(each.distance),
  ])));
}

function show(value, title) {
  shown = value;
  at("title").textContent = title;
  at("picture").src = value.picture;
  at("reconstruction").src = value.reconstruction;
  at("restored").hidden = !value.denoised;
  if (value.denoised) at("denoised").src = value.denoised;
  at("result").hidden = false;
  showCode();
  showUnusual();
  showCluster();
  showNearest();
}

// The last press counts, however late the answer to an earlier one comes.
async function look(get, name) {
  const mine = ++turn;
  at("result").setAttribute("aria-busy", "true");
  say("Asking the network …");
  try {
    const value = await get();
    if (mine !== turn) return false;
    show(value, name(value));
    say("");
    return true;
  } catch (error) {
    if (mine === turn) say(error.message, true);
    return false;
  } finally {
    if (mine === turn) at("result").removeAttribute("aria-busy");
  }
}

function rowName(value) {
  const facts = [value.class && `class ${value.class}`, value.file].filter(Boolean);
  return `Image ${value.row} of the index` + (facts.length ? ` (${facts.join(", ")})` : "");
}

const lookAtRow = row => look(() => ask(`index/${row}/describe?metric=${metric()}`), rowName);
const lookAtFile = () => {
  const file = sent;
  return look(() => ask(`describe?metric=${metric()}`, {
    method: "POST", body: file, headers: {"Content-Type": "application/octet-stream"},
  }), () => file.name || "The pasted picture");
};

function here() {
  const found = /^#row=(\d+)$/.exec(location.hash);
  return found ? Number(found[1]) : null;
}

// Also of what the browser's Back and Forward lead to.
async function arrive() {
  const row = here();
  if (row === null && !sent) {
    turn++;
    at("result").hidden = true;
    return say("");
  }
  if (await (row === null ? lookAtFile() : lookAtRow(row))) at("title").scrollIntoView({block: "nearest"});
}

function visit(row) {
  at("row").value = row;
  // A press on the image that is shown shows it again.
  if (here() === row) arrive();
  else location.hash = `row=${row}`;
}

function take(file) {
  if (!file) return;
  sent = file;
  if (here() !== null) history.pushState(null, "", location.pathname);
  arrive();
}

addEventListener("hashchange", arrive);
addEventListener("resize", drawCode);
addEventListener("scheme", drawCode);
addEventListener("paste", event => take([...event.clipboardData.files][0]));
for (const kind of ["dragover", "drop", "dragleave"]) {
  addEventListener(kind, event => {
    event.preventDefault();
    at("drop").classList.toggle("over", kind === "dragover");
    if (kind !== "drop") return;
    const file = event.dataTransfer.files[0];
    if (file) take(file); else say("What was dropped is no file; drop a picture.", true);
  });
}
at("file").addEventListener("change", () => {
  take(at("file").files[0]);
  // So that the same file, chosen again, is a change again.
  at("file").value = "";
});
at("others").addEventListener("click", offer);
at("chosen").addEventListener("submit", event => {
  event.preventDefault();
  visit(Number(at("row").value));
});
at("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(JSON.stringify(shown.code));
    say("The numbers are copied.");
  } catch { say("The browser does not let the page copy.", true); }
});
for (const choice of document.querySelectorAll("[name=metric]")) choice.addEventListener("change", arrive);
for (const list of document.querySelectorAll(".thumbs")) {
  list.addEventListener("keydown", event => {
    const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
    if (!step) return;
    event.preventDefault();
    const buttons = [...list.querySelectorAll("button")];
    buttons[buttons.indexOf(document.activeElement) + step]?.focus();
  });
}

async function start() {
  try {
    [about, health] = await Promise.all([ask("manifest"), ask("health")]);
  } catch (error) {
    return say(error.message, true);
  }
  const {height, width} = about.images, n = health.images.toLocaleString("en");
  document.title = at("name").textContent = about.network;
  at("facts").textContent = `Turns pictures, ${about.network_colour === "grey" ? "grey" : "in colour"} and ${width}×${height} pixels large, into codes of ${about.code.width.toLocaleString("en")} numbers.` +
    (health.images ? ` ${n} training images are in its index.` : " It has no index of training images.");
  at("shelf").hidden = !health.images;
  at("row").max = health.images - 1;
  if (health.images) offer();
  if (here() !== null) arrive();
}
start();
