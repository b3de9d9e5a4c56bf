// The daemon's answers: their shapes, and one fetch that never throws away what was seen before.

/**
 * @typedef {{ cpu_units: number, memory_mib: number }} Res
 * @typedef {{ total: number, active: number, draining: number, coming: number, interrupted: number, spot?: number }} Counts
 * @typedef {{ name: string, account: string, region: string, status: string, status_detail: string, mode: string, dry_run: boolean,
 *   policy_hash: string, period_ms: number, tick: number | null, at: string | null, duration_ms: number | null, next_tick: string | null,
 *   instances: Counts | null, capacity: Res | null, reserved: Res | null, need: Res | null, used: Res | null, need_4h_q90: Res | null, enough_until: string | null, waiting_tasks: number | null,
 *   waiting_since: string | null, drains_in_progress: number | null, drains_total: { begun: number, finished: number, undone: number } | null,
 *   cost_usd_micro_per_hour: number | null, saved_usd_micro_per_hour: number | null, spot_permyriad: number | null, stale_sources: number | null, control: Control | null,
 *   alert_count: AlertCount }} Cluster
 * @typedef {{ mode: string, who: string, why: string, since: string | null, until: string | null }} Control
 * @typedef {{ total: number, worst: string | null }} AlertCount
 * @typedef {{ id: string, severity: string, cluster: string | null, account: string | null, region: string | null, target: string,
 *   since: string | null, what: string, remedy: string }} Alert
 * @typedef {{ version: string, started: string, dry_run: boolean, speed: number, uptime_s: number, state_ok: boolean, state_detail: string,
 *   ready: boolean, ready_detail: string, shell_mode: string, shell_mode_reason: string, alert_count: AlertCount }} Daemon
 * @typedef {{ now: string, daemon: Daemon, clusters: Cluster[] }} Estate
 * @typedef {{ kind: string, state: string, read: string | null, age_ms: number | null, detail: string }} Source
 * @typedef {{ name: string, kind: string, desired: number, running: number, pending: number, waiting: number, waiting_since: string | null,
 *   shape: string | null, task_cpu_units: number | null, task_memory_mib: number | null, reserved: Res, instances: number, deploying: boolean,
 *   crash_looping: boolean, last_event: string }} Service
 * @typedef {{ kind: string, instance: string, type: string, zone: string, state: string, steps: string[], step: number, since: string | null,
 *   state_since: string | null, deadline: string | null, tasks_left: number | null, held: boolean,
 *   holder: { service: string, task: string, why: string } | null, reason: string }} Progress
 * @typedef {{ kind: string, code: string, target: string, fact: string, verdict: string, wanted: number | null, allowed: number | null }} Verdict
 * @typedef {{ kind: string, target: string, fact: string, verdict: string, capacity?: number | null, capacity_before?: number | null,
 *   hourly_delta_usd_micro?: number | null, params?: string, outcome: string | null, outcome_detail: string }} Act
 * @typedef {{ tick: number, at: string, error: string, dry_run: boolean, acts: Act[] }} Decision
 * @typedef {{ id: string, kind: string, state: string, activity: string, target: number, on_demand_target: number, fulfilled_milli: number,
 *   min: number, max: number, instances: number, foreign_scaling: boolean, foreign: string, owner: string, ours: boolean, denied: string,
 *   control: string }} Fleet
 * @typedef {{ service: string, shape: string, missing: number, leaving: number, headroom: number, fits: number, waits: number, ordered: number,
 *   never: number, since: string | null }} Demand
 * @typedef {Cluster & { sources: Source[], fleets: Fleet[], services: Service[], in_progress: Progress[], decisions: Decision[],
 *   verdicts: Verdict[], demands: Demand[], alerts: Alert[] }} ClusterFull
 * @typedef {{ service: number, shape: string, cpu_units: number, memory_mib: number, running: number, pending: number, stopping: number,
 *   protected: number, daemon: boolean }} Holding
 * @typedef {{ id: string, type: string, zone: string, arch: string, spot: boolean, fleet: string | null, weight_milli: number, box: string,
 *   ecs: string, ec2: string, agent_connected: boolean, launched: string | null, registered: string | null, capacity: Res | null,
 *   reserved: Res | null, usd_micro_per_hour: number | null, tasks_known: boolean, holdings: Holding[],
 *   drain: { state: string, since: string, state_since: string, deadline: string | null, held: boolean, reason: string } | null,
 *   mark: string, notice: string | null, rebalance: string | null, event: string | null, kept_by_tag: boolean,
 *   verdict: { code: string, fact: string, verdict: string } | null }} Instance
 * @typedef {{ now: string, cluster: string, tick: number, at: string, services: string[], instances: Instance[] }} Instances
 * @typedef {{ fleet: string, type: string, zone: string, weight_milli: number, spot_usd_micro_per_hour: number | null,
 *   on_demand_usd_micro_per_hour: number | null, nominal: Res | null, capacity: Res | null, eni_slots: number | null, measured: boolean,
 *   spot_instances: number, on_demand_instances: number, subnets: number, full_subnets: number,
 *   placement_score: { score: number, at: string } | null,
 *   memory: { why: string[], failures: number, last: string | null, avoided_until: string | null } | null }} Pool
 * @typedef {{ now: string, cluster: string, tick: number, at: string, pools: Pool[] }} Pools
 * @typedef {{ tick: number, cluster: string, account: string, region: string, at: string, duration_ms: number, mode: string, dry_run: boolean,
 *   recorded: boolean, error: string, masu: string, policy_hash: string, planned_policy: string,
 *   facts: { instances: number, services: number, tasks: number, fleets: number, sources: { source: string, state: string, age_ms: number | null, detail: string | null }[] } | null,
 *   summary: any, actions: any[], capped: any[], verdicts: Verdict[], demands: any[], drains: any[] }} Explain
 * @typedef {{ explain: Explain, snapshot: any, previous: number | null, next: number | null }} Explained
 * @typedef {{ usd_micro_per_hour: number, usd_micro_per_day: number, usd_micro_per_month: number }} Cost
 * @typedef {{ code: string, fact: string, verdict: string }} Risk
 * @typedef {{ advice: "unknown" | "fits" | "lower" | "raise", reserved: number, p50: number, p95: number, p99: number, max: number, suggested: number | null,
 *   above_percent: number | null }} SizeAmount
 * @typedef {{ from: string, to: string, samples: number, seen_s: number, fact: string, verdict: string, cpu_units: SizeAmount | null, memory_mib: SizeAmount | null,
 *   mean_of_tasks: boolean, wasted: Cost | null }} Size
 * @typedef {{ cluster: string, account: string, region: string, name: string, kind: string, on_ec2: boolean, desired: number, running: number,
 *   pending: number, waiting: number, waiting_since: string | null, shape: string | null, task_cpu_units: number | null,
 *   task_memory_mib: number | null, reserved: Res, used: Res | null, size: Size | null, requests_per_s: number | null, usd_micro_per_million_requests: number | null, instances: number, cost: Cost | null, min_percent: number,
 *   max_percent: number, stop_timeout_s: number | null, deploying: boolean, crash_looping: boolean, risks: Risk[] }} ServiceHolds
 * @typedef {{ cluster: string, account: string, region: string, tick: number | null, at: string | null, services: number,
 *   standalone_cost: Cost | null, free_cost: Cost | null }} ServicesOfCluster
 * @typedef {{ now: string, clusters: ServicesOfCluster[], services: ServiceHolds[], after: string | null }} Services
 * @typedef {{ now: string, made: string | null, why_none: string, step_s: number, count: number, basis: Record<string, string | null>, columns: Record<string, (number | null)[]>,
 *   errors: { of: string, ahead: string, samples: number, mase: number, cover90: number }[] }} Forecast
 * @typedef {{ cluster: string, account: string, region: string, name: string, times: number, at_least: { vcpus: number | null, memory_gib: number | null, instances: number | null },
 *   date: string | null, days: string | null, from: string | null, to: string | null, zone: string | null, next: { start: string, end: string, now: boolean }[],
 *   past: { start: string, end: string }[] }} Occasion
 * @typedef {{ now: string, entries: Occasion[] }} Calendar
 * @typedef {{ kind: "fleet" | "quota" | "subnet", name: string, now: number, limit: number, peak_7d: number | null, days_known: number, days_needed: number, days_ahead: number, growth_a_day: number | null,
 *   reached_q90: string | null, reached_q50: string | null, fact: string, verdict: string }} Limit
 * @typedef {{ now: string, cluster: string, limits: Limit[] }} Limits
 * @typedef {{ for_s: number, warmup_s: number, seeds: number, runs: any[], left_out: string[] }} Simulated
 * @typedef {{ now: string, run: { id: number, state: string, progress_permille: number, started: string | null, finished: string | null, error: string | null,
 *   ask: { cluster: string }, command: string, today: Simulated | null, change: Simulated | null } | null }} Plan
 * @typedef {{ now: string, cluster: string, from: string, step_s: number, count: number, columns: Record<string, (number | null)[]> }} Series
 * @typedef {{ tick: number, cluster: string, at: string, duration_ms: number, mode: string, dry_run: boolean, error: string, actions: number,
 *   ok: number, failed: number, skipped: number, whole: boolean, acts: Act[], summary: any }} Tick
 * @typedef {{ now: string, ticks: Tick[], older: number | null }} Ticks
 */

/** An answer that is not 200, or none at all. */
export class ApiError extends Error {
  /** @param {string} url @param {number} status 0: no answer @param {string} detail */
  constructor(url, status, detail) {
    super(detail);
    this.url = url;
    this.status = status;
  }
}

/** A report of one file has the answers in it. @type {{ now: string, answers: Record<string, any> } | null} */
export const FILE = (() => {
  const text = document.getElementById("masu-data")?.textContent;
  return text ? JSON.parse(text) : null;
})();
const CHOSEN = ["account", "acting", "after", "cluster", "region", "step"];

/** Does the file have a series of the cluster by this step? @param {string} cluster @param {string} step */
export const inFile = (cluster, step) => Object.keys(FILE?.answers || {}).some((k) => k.startsWith("/clusters/" + cluster + "/series?") && k.endsWith("step=" + step));

/** @param {string} path @param {Record<string, string | number | undefined>} query */
function fromFile(path, query) {
  const answers = /** @type {NonNullable<typeof FILE>} */ (FILE).answers;
  const named = (/** @type {string[]} */ keys) => {
    const q = keys.filter((k) => query[k] !== undefined && query[k] !== "").map((k) => k + "=" + query[k]).join("&");
    return answers[path.split("/").map(decodeURIComponent).join("/") + (q ? "?" + q : "")];
  };
  if (path === "/services") {
    const all = answers["/services" + (query.after ? "?after=" + query.after : "")];
    const here = (/** @type {any} */ s) => !query.cluster || (s.cluster === query.cluster && (!query.region || s.region === query.region));
    if (all) return { ...all, clusters: all.clusters.filter(here), services: all.services.filter(here) };
  }
  if (path === "/calendar") return answers["/calendar"];
  if (path === "/ticks" && query.before !== undefined) return { now: /** @type {any} */ (FILE).now, ticks: [], older: null };
  const a = named(CHOSEN) || named(CHOSEN.filter((k) => k !== "account" && k !== "region"));
  if (!a && path === "/ticks" && !query.acting) return fromFile(path, { ...query, acting: "true" });  // there was no room for those that kept all
  if (!a) throw new ApiError(path, 0, "not in this file");
  return path === "/ticks" ? { ...a, older: null } : a;
}

/**
 * @param {string} path under /api/v1
 * @param {Record<string, string | number | undefined>} [query]
 * @returns {Promise<any>}
 */
export async function get(path, query) {
  if (FILE) return fromFile(path, query || {});
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(query || {})) if (v !== undefined && v !== "") q.set(k, String(v));
  const url = "/api/v1" + path + (q.size ? "?" + q : "");
  let answer;
  try {
    answer = await fetch(url, { headers: { accept: "application/json" }, signal: AbortSignal.timeout(15_000) });
  } catch {
    throw new ApiError(url, 0, "no answer");
  }
  if (!answer.ok) {
    const problem = await answer.json().catch(() => null);
    throw new ApiError(url, answer.status, problem?.detail || problem?.title || answer.statusText);
  }
  try {
    return await answer.json();
  } catch {
    throw new ApiError(url, answer.status, "the answer is not JSON");
  }
}

/** Asks for something to be done. @param {string} path @param {Record<string, unknown>} body @param {string} token "" none @returns {Promise<any>} */
export async function send(path, body, token) {
  const url = "/api/v1" + path;
  let answer;
  try {
    answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json", ...(token ? { authorization: "Bearer " + token } : {}) }, body: JSON.stringify(body), signal: AbortSignal.timeout(15_000) });
  } catch {
    throw new ApiError(url, 0, "no answer");
  }
  const said = await answer.json().catch(() => null);
  if (!answer.ok) throw new ApiError(url, answer.status, said?.detail || answer.statusText);
  return said;
}

/** @param {string} name */
export const clusterPath = (name) => "/clusters/" + encodeURIComponent(name);
