// The page's Content-Security-Policy admits only style elements that carry its nonce, and Monaco and the React
// libraries make theirs without one. So every style element that a script makes is given it here: scripts come from this
// server alone, while markup that reaches the page as text (a description, an answer) still cannot style it.
const { nonce } = document.querySelector("meta[property=csp-nonce]") ?? {};
const { createElement } = Document.prototype;

if (nonce) {
  Document.prototype.createElement = function (...args) {
    const element = createElement.apply(this, args);
    if (element instanceof HTMLStyleElement) element.nonce = nonce;
    return element;
  };
}
