// Numbers, money, durations and times as the report writes them (one place, so that they agree from page to page).

export const NBSP = "\u00a0";
const MINUS = "−";

/** By hand: the first use of Intl loads its data, which takes longer than to draw the page. @param {number} x @param {number} [digits] at most this many decimals @param {number} [least] */
export function num(x, digits = 0, least = 0) {
  const a = Math.abs(x);
  const rounded = a < 1e-6 || a >= 1e15 ? a : Number(Math.round(Number(a + "e" + digits)) + "e-" + digits); // as it is written: 3.585 is 3.59
  let [whole, rest = ""] = rounded.toFixed(digits).split(".");
  while (rest.length > least && rest.endsWith("0")) rest = rest.slice(0, -1);
  whole = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  const s = rest ? whole + "." + rest : whole;
  return (x < 0 && /[1-9]/.test(s) ? MINUS : "") + s;
}

/** Three digits that matter. @param {number} x */
export function three(x) {
  const a = Math.abs(x);
  return num(x, a >= 1000 ? 0 : a >= 10 ? 1 : 2);
}

/** @param {number} part @param {number} whole */
export function percent(part, whole) {
  if (!(whole > 0)) return "–";
  const p = (100 * part) / whole;
  return (p > 0 && p < 1 ? num(p, 1) : num(p, 0)) + NBSP + "%";
}

/** @param {number} cpu_units */
export const vcpu = (cpu_units) => three(cpu_units / 1024);
/** @param {number} mib */
export function gib(mib) {
  const g = mib / 1024;
  return g >= 100 ? num(g) : num(g, 1, 1);
}

/** An hourly price. @param {number} usd_micro */
export function usdPerHour(usd_micro) {
  const d = usd_micro / 1e6;
  return (d < 0 ? MINUS : "") + "$" + num(Math.abs(d), Math.abs(d) < 1 && d !== 0 ? 3 : 2, Math.abs(d) < 1 && d !== 0 ? 3 : 2);
}

/** @param {number} ms */
export function duration(ms) {
  const s = Math.round(Math.max(0, ms) / 1000);
  if (s < 120) return s + NBSP + "s";
  const min = Math.round(s / 60);
  if (min < 60) return min + NBSP + "min";
  const hours = Math.floor(min / 60);
  if (hours < 48) return hours + NBSP + "h" + (min % 60 && hours < 10 ? NBSP + (min % 60) + NBSP + "min" : "");
  return Math.round(hours / 24) + NBSP + "days";
}

/** The time left, as a clock. @param {number} ms */
export function countdown(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  return Math.floor(s / 60) + ":" + String(s % 60).padStart(2, "0");
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** Times in the reader's zone, or UTC. `zone` is "" for the reader's own. */
export class Clock {
  /** @param {boolean} utc */
  constructor(utc) {
    this.utc = utc;
  }

  /** @param {number} ms */
  parts(ms) {
    const d = new Date(ms);
    return this.utc
      ? { y: d.getUTCFullYear(), mo: d.getUTCMonth(), d: d.getUTCDate(), wd: d.getUTCDay(), h: d.getUTCHours(), mi: d.getUTCMinutes(), s: d.getUTCSeconds() }
      : { y: d.getFullYear(), mo: d.getMonth(), d: d.getDate(), wd: d.getDay(), h: d.getHours(), mi: d.getMinutes(), s: d.getSeconds() };
  }

  /** @param {number} ms */
  hm(ms) {
    const p = this.parts(ms);
    return String(p.h).padStart(2, "0") + ":" + String(p.mi).padStart(2, "0");
  }

  /** @param {number} ms */
  hms(ms) {
    return this.hm(ms) + ":" + String(this.parts(ms).s).padStart(2, "0");
  }

  /** @param {number} ms */
  day(ms) {
    const p = this.parts(ms);
    return p.d + NBSP + MONTHS[p.mo];
  }

  /** @param {number} ms */
  weekday(ms) {
    return DAYS[this.parts(ms).wd] + " " + this.day(ms);
  }

  /** A time as seen from `now`: the clock today, with the date else. @param {number} ms @param {number} now */
  at(ms, now) {
    return this.day(ms) === this.day(now) ? this.hm(ms) : this.day(ms) + " " + this.hm(ms);
  }

  /** @param {number} ms */
  full(ms) {
    return this.day(ms) + " " + this.parts(ms).y + " " + this.hms(ms) + " " + this.zone(ms);
  }

  /** Minutes that local time is ahead of UTC. @param {number} ms */
  offset(ms) {
    return this.utc ? 0 : -new Date(ms).getTimezoneOffset();
  }

  /** "GMT+5:30": by its offset, which nothing else can mean. Intl would load all zones' names first, which takes longer than the page. @param {number} ms */
  zone(ms) {
    const off = this.offset(ms), minutes = Math.abs(off) % 60;
    if (this.utc || !off) return this.utc ? "UTC" : "GMT";
    return "GMT" + (off < 0 ? MINUS : "+") + Math.floor(Math.abs(off) / 60) + (minutes ? ":" + String(minutes).padStart(2, "0") : "");
  }
}

/** i-0f27a1d3c5e088c4 as i-0f27…88c4: enough to tell two apart; the whole is in the title. @param {string} id */
export const shortId = (id) => (/^(i|sfr|fleet)-[0-9a-f-]{12,}$/.test(id) ? id.slice(0, id.indexOf("-") + 5) + "…" + id.slice(-4) : id);

/** "us-east-1a" as "1a", when the region is known to be its start. @param {string} zone */
export const shortZone = (zone) => /-(\d[a-z])$/.exec(zone)?.[1] || zone || "–";

/** @param {number} n @param {string} one @param {string} [many] */
export const count = (n, one, many) => num(n) + " " + (n === 1 ? one : many || one + "s");

const WORDS = ["No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve"];
/** A sentence starts with a word, not with a digit. @param {number} n @param {string} one @param {string} [many] */
export const counted = (n, one, many) => (WORDS[n] || num(n)) + " " + (n === 1 ? one : many || one + "s");

/** The facts and the verdict of "fact -> verdict". @param {string} text */
export function splitVerdict(text) {
  const at = text.lastIndexOf(" -> ");
  return at < 0 ? { fact: text, verdict: "" } : { fact: text.slice(0, at), verdict: text.slice(at + 4) };
}
