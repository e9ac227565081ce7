// Runs in the sandbox's page: the texts whose contrast to what is behind them is below 4.5 (WCAG 2.2, 1.4.3).
(() => {
  const parse = (color) => (color.match(/[\d.]+/g) ?? []).map(Number);
  const light = (color) =>
    [0.2126, 0.7152, 0.0722].reduce((sum, weight, index) => {
      const value = (color[index] ?? 0) / 255;
      return sum + weight * (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    }, 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if ((color[3] ?? 1) > 0.99) return color;
    }
    return [255, 255, 255];
  };
  const poor = new Set();
  for (const element of document.querySelectorAll("body *")) {
    const style = getComputedStyle(element);
    const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
    const unseen =
      style.visibility === "hidden" || !element.offsetParent || element.closest(":disabled, .unseen, .skip, .actions, .new, noscript");
    if (!own || unseen) continue;
    const [a, b] = [light(parse(style.color)), light(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) poor.add(`${element.className || element.tagName} ${contrast.toFixed(2)}: ${element.textContent.slice(0, 30)}`);
  }
  return [...poor];
})();
