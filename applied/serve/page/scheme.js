"use strict";
// Light or dark as the system has it, until the switch is pressed.
{
  const scheme = document.getElementById("scheme"), system = matchMedia("(prefers-color-scheme: dark)");
  let dark = null;

  // Where a browser keeps nothing, the choice holds until the page is left.
  function recall() {
    try { return localStorage.getItem("scheme"); } catch { return null; }
  }

  function paint() {
    const now = dark ?? system.matches;
    document.documentElement.style.colorScheme = dark === null ? "" : now ? "dark" : "light";
    scheme.textContent = now ? "Light" : "Dark";
    scheme.setAttribute("aria-label", `Change to ${now ? "light" : "dark"} colours`);
    dispatchEvent(new Event("scheme"));
  }

  scheme.addEventListener("click", () => {
    dark = !(dark ?? system.matches);
    try { localStorage.setItem("scheme", dark ? "dark" : "light"); } catch { /* as above */ }
    paint();
  });
  system.addEventListener("change", paint);
  if (recall()) dark = recall() === "dark";
  paint();
}
