"use strict";
const $ = id => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const n = data.x.length;
const extent = [Math.max(...data.x) || 1, Math.max(...data.y) || 1];
const map = $("map"), pen = map.getContext("2d"), image = $("image");
const dark = matchMedia("(prefers-color-scheme: dark)");
// A legend names so many groups; the others are one, of this number.
const OTHERS = -1;
const groups = {
  ...(data.class && {class: of(data.class, group => data.classes[group])}),
  cluster: of(data.cluster, group => String(group)),
};
const sprite = new Image();
let by = Object.keys(groups)[0], current = null, chosen = null, whole = 1, view = home(), waiting = false;

// The view: which point of the map is in the middle of the canvas, and how many times enlarged the whole map is.
// `whole` is the size in pixels at which all of the map, one unit wide or high, just fits.
function home() {
  return {x: extent[0] / 2, y: extent[1] / 2, scale: 1};
}

function place(i) {
  return [map.clientWidth / 2 + (data.x[i] - view.x) * whole * view.scale,
    map.clientHeight / 2 + (data.y[i] - view.y) * whole * view.scale];
}

function look(x, y, scale) {
  const within = (value, low, high) => Math.min(Math.max(value, low), high);
  scale = within(scale, 1, 40);
  view = scale === 1 ? home() : {x: within(x, 0, extent[0]), y: within(y, 0, extent[1]), scale};
  // One finger scrolls the page while the whole map is in sight, and moves the map when it is not.
  map.style.touchAction = scale === 1 ? "pan-y" : "none";
  redraw();
}

function zoom(factor, [x, y] = [map.clientWidth / 2, map.clientHeight / 2]) {
  const scale = Math.min(Math.max(view.scale * factor, 1), 40);
  const kept = (1 / view.scale - 1 / scale) / whole;
  look(view.x + (x - map.clientWidth / 2) * kept, view.y + (y - map.clientHeight / 2) * kept, scale);
}

// The group of each image, and the items of a legend.
function of(all, name) {
  const counts = new Map();
  for (const group of all) counts.set(group, (counts.get(group) || 0) + 1);
  const found = [...counts.keys()].sort((a, b) => a - b);
  const named = new Set(found.length > data.most ? found.slice(0, data.most - 1) : found);
  const shown = all.map(group => named.has(group) ? group : OTHERS);
  const items = [...named].map(group => ({group, name: name(group), count: counts.get(group)}));
  if (named.size < found.length) {
    const count = shown.filter(group => group === OTHERS).length;
    items.push({group: OTHERS, name: `${found.length - named.size} others`, count});
  }
  return {of: shown, items};
}

function colour(group) {
  if (group === OTHERS) return data.others;
  const found = data.colours[group % data.colours.length];
  return dark.matches && found === "#222222" ? "#FFFFFF" : found;
}

// Groups beyond the number of colours start again with another shape: number of corners, and by which part of the
// angle between two of them it is turned. These are the markers of the figures.
const SHAPES = [[0, 0], [4, 0], [4, .5], [3, .5], [3, 0]];
function mark(pen, x, y, radius, group) {
  const [corners, turn] = SHAPES[Math.max(0, Math.floor(group / data.colours.length)) % SHAPES.length];
  pen.beginPath();
  if (corners === 0) pen.arc(x, y, radius, 0, 2 * Math.PI);
  for (let corner = 0; corner < corners; corner++) {
    const angle = 2 * Math.PI * (corner + turn) / corners + Math.PI / 2;
    pen.lineTo(x + 1.25 * radius * Math.cos(angle), y + 1.25 * radius * Math.sin(angle));
  }
  pen.closePath();
  pen.fillStyle = colour(group);
  pen.fill();
  pen.stroke();
}

function picture(pen, i, x, y, width, height) {
  pen.imageSmoothingEnabled = false;
  const column = i % data.columns, row = Math.floor(i / data.columns);
  pen.drawImage(sprite, column * data.width, row * data.height, data.width, data.height, x, y, width, height);
}

// The radius of a dot, and the longer side of an image in its place: smaller for many, growing more slowly than the map.
function radius() {
  const room = Math.min(map.clientWidth, map.clientHeight) / Math.sqrt(n);
  return Math.min(Math.max(.16 * room, 2), 6) * Math.min(view.scale, 4) ** .5;
}

function side() {
  const room = Math.min(map.clientWidth, map.clientHeight) / Math.sqrt(n);
  return Math.min(Math.max(.9 * room, 8), 48) * Math.min(view.scale, 8) ** .8;
}

function dot(i) {
  const [x, y] = place(i), group = groups[by].of[i], raised = i === current;
  pen.globalAlpha = raised || chosen === null || group === chosen ? 1 : .12;
  if ($("pictures").checked) {
    const scale = side() * (raised ? 1.5 : 1) / Math.max(data.width, data.height), edge = raised ? 4 : 2;
    const width = scale * data.width, height = scale * data.height, left = x - width / 2, top = y - height / 2;
    pen.fillStyle = colour(group);
    pen.fillRect(left - edge, top - edge, width + 2 * edge, height + 2 * edge);
    picture(pen, i, left, top, width, height);
  } else {
    mark(pen, x, y, radius() * (raised ? 1.7 : 1), group);
  }
}

function draw() {
  waiting = false;
  const style = getComputedStyle(map), ratio = devicePixelRatio || 1;
  map.width = Math.round(map.clientWidth * ratio);
  map.height = Math.round(map.clientHeight * ratio);
  pen.scale(ratio, ratio);
  whole = Math.min((map.clientWidth - 48) / extent[0], (map.clientHeight - 48) / extent[1]);
  pen.strokeStyle = style.getPropertyValue("--rim");
  pen.lineWidth = .8;
  for (let i = 0; i < n; i++) if (i !== current) dot(i);
  if (current !== null) {
    pen.strokeStyle = style.getPropertyValue("--text");
    pen.lineWidth = 2.5;
    dot(current);
  }
}

function redraw() {
  if (!waiting) requestAnimationFrame(draw);
  waiting = true;
}

function show(i) {
  if (i === null || i === current) return;
  current = i;
  [image.width, image.height] = [data.width, data.height];
  picture(image.getContext("2d"), i, 0, 0, data.width, data.height);
  if (data.class) $("class").textContent = data.classes[data.class[i]];
  $("cluster").textContent = data.cluster[i];
  $("number").textContent = data.number[i];
  if (data.file) $("file").textContent = data.file[i];
  redraw();
}

function nearest(reach, distance) {
  let found = null;
  for (let i = 0; i < n; i++) {
    const far = distance(...place(i), i);
    if (far < reach) [reach, found] = [far, i];
  }
  return found;
}

function point([x, y], reach) {
  const size = $("pictures").checked ? side() / 2 : radius();
  show(nearest(size + reach, (left, top) => Math.hypot(left - x, top - y)));
}

function step(right, down) {
  const [x, y] = current === null ? [map.clientWidth / 2, map.clientHeight / 2] : place(current);
  show(nearest(Infinity, (left, top, i) => {
    if (current === null) return Math.hypot(left - x, top - y);
    const along = (left - x) * right + (top - y) * down;
    const aside = Math.abs((left - x) * down) + Math.abs((top - y) * right);
    return i === current || along <= 0 || aside > along ? Infinity : along + aside;
  }));
}

const keys = {
  ArrowLeft: () => step(-1, 0), ArrowRight: () => step(1, 0), ArrowUp: () => step(0, -1), ArrowDown: () => step(0, 1),
  Home: () => show(0), End: () => show(n - 1),
  PageUp: () => show(Math.max((current ?? 1) - 1, 0)), PageDown: () => show(Math.min((current ?? -1) + 1, n - 1)),
  "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), "0": () => look(0, 0, 1),
};
map.addEventListener("keydown", event => {
  if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  keys[event.key]();
  if (current === null) return;
  const [x, y] = place(current);
  const outside = x < 0 || y < 0 || x > map.clientWidth || y > map.clientHeight;
  if (outside) look(data.x[current], data.y[current], view.scale);
});

const pointers = new Map();
const middle = points => [0, 1].map(axis => points.reduce((sum, point) => sum + point[axis], 0) / points.length);
const spread = ([a, b]) => b ? Math.hypot(a[0] - b[0], a[1] - b[1]) || 1 : 1;
const where = event => {
  const box = map.getBoundingClientRect();
  return [event.clientX - box.left - map.clientLeft, event.clientY - box.top - map.clientTop];
};
map.addEventListener("pointerdown", event => {
  pointers.set(event.pointerId, where(event));
  point(where(event), event.pointerType === "touch" ? 22 : 10);
});
map.addEventListener("pointermove", event => {
  if (event.pointerType === "mouse" && !event.buttons) pointers.clear();
  if (!pointers.has(event.pointerId) || (pointers.size === 1 && view.scale === 1)) {
    point(where(event), event.pointerType === "touch" ? 22 : 10);
    return;
  }
  const before = [...pointers.values()];
  pointers.set(event.pointerId, where(event));
  const after = [...pointers.values()], [from, to] = [middle(before), middle(after)], unit = whole * view.scale;
  look(view.x - (to[0] - from[0]) / unit, view.y - (to[1] - from[1]) / unit, view.scale);
  zoom(spread(after) / spread(before), to);
});
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, event => pointers.delete(event.pointerId));
map.addEventListener("wheel", event => {
  if (view.scale === 1 && event.deltaY > 0) return;
  event.preventDefault();
  zoom(1.0016 ** -event.deltaY, where(event));
}, {passive: false});

function legend() {
  $("legend").replaceChildren(...groups[by].items.map(({group, name, count: images}) => {
    const item = document.createElement("li"), button = document.createElement("button");
    const swatch = document.createElement("canvas"), count = document.createElement("span");
    swatch.width = swatch.height = 32;
    const pen = swatch.getContext("2d");
    pen.strokeStyle = getComputedStyle(map).getPropertyValue("--rim");
    mark(pen, 16, 16, 11, group);
    count.textContent = images;
    button.type = "button";
    button.setAttribute("aria-pressed", group === chosen);
    button.append(swatch, name, count);
    button.addEventListener("click", () => {
      chosen = group === chosen ? null : group;
      for (const other of $("legend").querySelectorAll("button")) {
        other.setAttribute("aria-pressed", chosen !== null && other === button);
      }
      redraw();
    });
    item.append(button);
    return item;
  }));
}

for (const choice of document.querySelectorAll("input[name=by]")) {
  choice.addEventListener("change", () => { by = choice.value; chosen = null; legend(); redraw(); });
}
$("pictures").addEventListener("change", redraw);
$("in").addEventListener("click", () => zoom(1.5));
$("out").addEventListener("click", () => zoom(1 / 1.5));
$("whole").addEventListener("click", () => look(0, 0, 1));
dark.addEventListener("change", () => { legend(); redraw(); });
new ResizeObserver(redraw).observe(map);

sprite.addEventListener("load", () => {
  // A browser may bring back the choice made before the page was loaded again.
  by = document.querySelector("input[name=by]:checked")?.value ?? by;
  draw();
  legend();
  document.documentElement.dataset.ready = "";
});
sprite.src = data.sprite;
