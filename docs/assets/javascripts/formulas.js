// Formulas of every page, as pymdownx.arithmatex marks them; again after a page is loaded without a reload.
const formulas = () =>
  renderMathInElement(document.body, {
    delimiters: [
      { left: "\\(", right: "\\)", display: false },
      { left: "\\[", right: "\\]", display: true },
      { left: "$$", right: "$$", display: true },
    ],
    throwOnError: false,
  });
if (typeof document$ === "undefined") formulas();
else document$.subscribe(formulas);
