/** The formulas of an exported notebook, and its links to other chapters. */
(() => {
  const delimiters = [
    { left: '$$', right: '$$', display: true },
    { left: '\\[', right: '\\]', display: true },
    { left: '\\(', right: '\\)', display: false },
    { left: '$', right: '$', display: false },
  ];
  for (const part of document.querySelectorAll('.jp-RenderedHTMLCommon, .jp-RenderedLatex'))
    // KaTeX's
    globalThis.renderMathInElement(part, { delimiters, throwOnError: false, strict: false });

  // chapters that were exported into the same folder find each other
  for (const link of document.querySelectorAll('a[href*=".ipynb"]')) {
    const address = link.getAttribute('href');
    if (!/^[a-z]+:/i.test(address)) link.setAttribute('href', address.replace(/\.ipynb(?=$|#)/, '.html'));
  }
})();
