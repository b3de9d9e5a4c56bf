// A very small keyed view layer: h() describes, render() patches what differs and nothing else.
//
// Text reaches the page only as text nodes and attributes only by setAttribute, so no name, reason or tag from AWS can
// become markup. Styles that depend on data go through CSSOM (`css`), as the page's CSP forbids style attributes.
// A VNode given a second time is not looked at again: callers may keep what did not change.
// Nodes that stay keep their identity, focus and selection: a live update changes numbers in place.

/**
 * @typedef {{ tag: string, props: Record<string, any>, kids: Kid[], key: any, el?: any }} VNode
 * @typedef {{ text: string, el?: any }} VText
 * @typedef {VNode | VText} Kid
 * @typedef {VNode | string | number | null | undefined | boolean | Children[]} Children
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {any} child
 * @param {Kid[]} out
 */
function collect(child, out) {
  if (child === null || child === undefined || child === false || child === "") return;
  if (Array.isArray(child)) for (const c of child) collect(c, out);
  else if (typeof child === "object") out.push(child);
  else out.push({ text: String(child) });
}

/**
 * @param {string} tag
 * @param {Record<string, any> | null} [props] attributes; `key`, `css` (CSSOM properties), `on…` (handlers)
 * @param {...Children} kids
 * @returns {VNode}
 */
export function h(tag, props, ...kids) {
  /** @type {Kid[]} */
  const out = [];
  collect(kids, out);
  return { tag, props: props || {}, kids: out, key: props?.key };
}

/** @param {any} el @param {string} name @param {any} value @param {any} before */
function setProp(el, name, value, before) {
  if (name === "key") return;
  if (name === "css") {
    for (const k of Object.keys(before || {})) if (!(value && k in value)) el.style.removeProperty(k);
    for (const [k, v] of Object.entries(value || {})) if (!before || before[k] !== v) el.style.setProperty(k, String(v));
  } else if (name.startsWith("on")) {
    el[name] = value || null;
  } else if (name === "value") {
    if (document.activeElement !== el && el.value !== value) el.value = value;
  } else if (value === null || value === undefined || value === false) {
    if (before !== null && before !== undefined && before !== false) el.removeAttribute(name);
  } else if (value !== before) {
    el.setAttribute(name, value === true ? "" : String(value));
  }
}

/** @param {Kid} v @param {boolean} svg @returns {any} */
function create(v, svg) {
  if ("text" in v) return (v.el = document.createTextNode(v.text));
  const inSvg = svg || v.tag === "svg";
  const el = inSvg ? document.createElementNS(SVG, v.tag) : document.createElement(v.tag);
  v.el = el;
  for (const [k, value] of Object.entries(v.props)) setProp(el, k, value, undefined);
  for (const kid of v.kids) el.appendChild(create(kid, inSvg));
  return el;
}

/** @param {Kid} old @param {Kid} next @param {boolean} svg */
function patch(old, next, svg) {
  if (old === next) return;
  next.el = old.el;
  if ("text" in next) {
    if (/** @type {VText} */ (old).text !== next.text) next.el.data = next.text;
    return;
  }
  const was = /** @type {VNode} */ (old);
  for (const k of Object.keys(was.props)) if (!(k in next.props)) setProp(next.el, k, undefined, was.props[k]);
  for (const [k, value] of Object.entries(next.props)) setProp(next.el, k, value, was.props[k]);
  patchKids(next.el, was.kids, next.kids, svg || next.tag === "svg");
}

/** @param {Kid} v @returns {string} */
const kind = (v) => ("text" in v ? "#" : v.tag);

/** @param {any} el @param {Kid[]} old @param {Kid[]} next @param {boolean} svg */
function patchKids(el, old, next, svg) {
  const keyed = new Map();
  /** @type {Kid[]} */
  const loose = [];
  for (const o of old) {
    if ("tag" in o && o.key !== undefined) keyed.set(o.key, o);
    else loose.push(o);
  }
  let at = 0;
  const kept = new Set();
  const matches = next.map((n) => {
    let o;
    if ("tag" in n && n.key !== undefined) o = keyed.get(n.key);
    else {
      // one that came or went among its like must not make all after it anew
      const j = loose.findIndex((l, i) => i >= at && kind(l) === kind(n));
      if (j >= 0) {
        o = loose[j];
        at = j + 1;
      }
    }
    if (!o || kept.has(o) || kind(o) !== kind(n)) return null;
    kept.add(o);
    return o;
  });
  for (const o of old) if (!kept.has(o)) o.el.remove();
  let cursor = el.firstChild;
  next.forEach((n, i) => {
    const o = matches[i];
    if (o) patch(o, n, svg);
    else create(n, svg);
    if (n.el === cursor) cursor = cursor.nextSibling;
    else el.insertBefore(n.el, cursor);
  });
}

/** Patches `root` so that its children are what `kids` says. @param {any} root @param {...Children} kids */
export function render(root, ...kids) {
  /** @type {Kid[]} */
  const next = [];
  collect(kids, next);
  if (!root.masuKids) root.replaceChildren();
  patchKids(root, root.masuKids || [], next, root.namespaceURI === SVG);
  root.masuKids = next;
}

/** A name that came from outside: isolated from the direction of what surrounds it. @param {string} name @param {number} [max] */
export function name(name, max = 40) {
  const points = Array.from(name);
  if (points.length <= max) return h("bdi", null, name);
  const head = Math.ceil((max - 1) * 0.6);
  return h("bdi", { title: name }, points.slice(0, head).join("") + "…" + points.slice(points.length - (max - 1 - head)).join(""));
}
