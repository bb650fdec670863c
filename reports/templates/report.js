"use strict";
(() => {
  const folds = document.querySelectorAll("details");
  const all = document.querySelector("[data-unfold]");
  if (all && folds.length) {
    all.hidden = false;
    all.addEventListener("click", () => {
      const open = all.getAttribute("aria-pressed") !== "true";
      folds.forEach((one) => { one.open = open; });
      all.setAttribute("aria-pressed", String(open));
      all.textContent = open ? all.dataset.fold : all.dataset.unfold;
    });
  }
  window.addEventListener("beforeprint", () => folds.forEach((one) => { one.open = true; }));

  const select = (text) => {
    const range = document.createRange();
    range.selectNodeContents(text);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };
  document.querySelectorAll("[data-copy]").forEach((button) => {
    const text = button.parentElement.querySelector("pre");
    button.hidden = false;
    button.addEventListener("click", () => {
      const done = () => { button.textContent = button.dataset.done; };
      if (!navigator.clipboard) { select(text); return; }
      navigator.clipboard.writeText(text.textContent).then(done, () => select(text));
    });
  });
})();
