import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Metric } from 'prom-client';

import type { CallSnapshot } from '../call/call-observer';
import type { CallState } from '../call/call-state';
import type { Blame, EndReason } from '../call/end-reason';
import { BucketsMetric } from './buckets-metric';
import type { Buckets } from './buckets-metric';
import { registerFreeswitchMetrics } from './freeswitch-metrics';
import type { FreeswitchFigures } from './freeswitch-metrics';
import { MediaTotals } from './media-totals';
import { registerPlanMetrics } from './plan-metrics';
import type { PlanMetricsSource } from './plan-metrics';
import { SupervisionMetrics } from './supervision-metrics';

/** One process that answers calls. */
export interface WorkerFigures {
  /** From 1. */
  worker: number;
  up: boolean;
  /** Of the process that is there now; 0 when none is. */
  cpuSeconds: number;
  memoryBytes: number;
  /** How often it ended although it should not have. */
  lost: number;
}

/** One way in for calls: a connection to a SIP server, or those that servers make to us. */
export interface WayInFigures {
  /** `HOST:PORT` of a SIP server. */
  readonly name: string;
  /** Calls can come through it. */
  readonly up: boolean;
  /** Inbound calls on it. */
  readonly calls: number;
  readonly losses: number;
  readonly refusedMessages: number;
}

/** What is asked at each scrape. All are called synchronously and must be quick. */
export interface MetricsSources {
  /** Every call that has not ended. */
  calls: () => readonly CallSnapshot[];
  /** How late frames left: the frame clock's own buckets. */
  lateness: () => Buckets;
  /** Counters of signalling by name: requests, answers, rejections ... They only grow. */
  sip: () => Readonly<Record<string, number>>;
  /** Where calls come in: the connections to SIP servers. */
  waysIn?: () => readonly WayInFigures[];
  /** Empty where our own RTP faces the callers. */
  freeswitch?: () => readonly FreeswitchFigures[];
  /** Records that could not be written. */
  recordFailures: () => number;
  /** Results of tools that came to nothing, by reason. */
  toolDiscards?: () => ReadonlyMap<string, number>;
  plan: () => PlanMetricsSource;
  /** Empty where this process answers the calls itself. */
  workers?: () => readonly WorkerFigures[];
}

const states: readonly CallState[] = ['ringing', 'answering', 'active', 'ending'];
/** The design's deadline is 3 s. */
const connectBucketsSeconds = [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3];
const firstAudioBucketsSeconds = [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10];
const toolBucketsSeconds = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 60];
const lengthBucketsSeconds = [1, 5, 15, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600];

/** Everything that Prometheus may ask, in a registry of its own. Names are stable. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #ended = this.#counter('ringbridge_calls_ended_total', 'Calls that have ended', ['reason', 'blame']);
  readonly #started = this.#counter('ringbridge_calls_started_total', 'Calls that came in', []);
  readonly #interruptions = this.#counter('ringbridge_interruptions_total', 'Callers who spoke over the agent', []);
  readonly #speechGaps = this.#counter(
    'ringbridge_speech_gaps_total',
    "Pauses in the agent's words because the model's audio came late",
    [],
  );
  readonly #modelErrors = this.#counter(
    'ringbridge_model_errors_total',
    'Error events of the model that ended nothing',
    [],
  );
  readonly #functionCalls = this.#counter('ringbridge_function_calls_total', 'Functions that models called', [
    'outcome',
  ]);
  readonly #toolSeconds = this.#histogram(
    'ringbridge_tool_seconds',
    'From the call of a tool to its result',
    toolBucketsSeconds,
  );
  readonly #breaches = this.#counter(
    'ringbridge_guarantee_breaches_total',
    'Promises of routes that were not kept, by what was done about it',
    ['guarantee', 'remedy'],
  );
  readonly #idle = this.#counter('ringbridge_idle_decisions_total', 'What was done when nobody spoke', [
    'decision',
    'by',
  ]);
  readonly #transfers = this.#counter(
    'ringbridge_transfers_total',
    'Destinations that were tried, by what came of it',
    ['method', 'outcome'],
  );
  readonly #handoffs = this.#counter(
    'ringbridge_handoffs_total',
    'Calls that agents handed over to one another, by what came of it and in which session of the model',
    ['session', 'outcome'],
  );
  readonly #murmurs = this.#counter('ringbridge_murmurs_total', 'Murmurs of callers over which the agent went on', []);
  readonly #endlessSpeech = this.#counter(
    'ringbridge_endless_speech_total',
    'Turns of callers that were waited for no longer, because they did not end',
    [],
  );
  readonly #costUsd = this.#counter('ringbridge_cost_usd_total', 'US dollars that ended calls have cost', []);
  readonly #tokens = this.#counter('ringbridge_tokens_total', 'Tokens of ended calls', ['direction', 'kind']);
  readonly #connectSeconds = this.#histogram(
    'ringbridge_model_connect_seconds',
    'From the start of the connection to the accepted session',
    connectBucketsSeconds,
  );
  readonly #firstAudioSeconds = this.#histogram(
    'ringbridge_first_audio_seconds',
    "From the answer to the agent's first audio",
    firstAudioBucketsSeconds,
  );
  readonly #lengthSeconds = this.#histogram(
    'ringbridge_call_length_seconds',
    'From the answer to the end, of answered calls',
    lengthBucketsSeconds,
  );
  /** Of supervisors and what they did. */
  readonly supervisions: SupervisionMetrics;
  readonly #media = new MediaTotals();

  constructor(sources: MetricsSources, { processMetrics = true }: { processMetrics?: boolean } = {}) {
    if (processMetrics) collectDefaultMetrics({ register: this.#registry });
    this.#registry.registerMetric(
      // The registry asks of a metric no more than this.
      new BucketsMetric({
        name: 'ringbridge_frame_lateness_seconds',
        help: 'How long after its due time a frame to a caller was sent',
        read: () => sources.lateness(),
      }) as unknown as Metric,
    );
    this.#registerCalls(sources);
    this.#registerCounts(sources);
    registerPlanMetrics(this.#registry, () => sources.plan());
    this.supervisions = new SupervisionMetrics(this.#registry, () => sources.calls());
    if (sources.workers !== undefined) this.#registerWorkers(sources.workers);
    if (sources.waysIn !== undefined) this.#registerWaysIn(sources.waysIn);
    if (sources.freeswitch !== undefined) registerFreeswitchMetrics(this.#registry, sources.freeswitch);
  }

  /** For the Content-Type header of a scrape. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The answer to a scrape, in Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  callStarted(): void {
    this.#started.inc();
  }

  modelReady({ connectMs }: { connectMs: number }): void {
    this.#connectSeconds.observe(connectMs / 1_000);
  }

  callInterrupted(): void {
    this.#interruptions.inc();
  }

  speechBroken(): void {
    this.#speechGaps.inc();
  }

  modelErred(): void {
    this.#modelErrors.inc();
  }

  guaranteeBroken({ guarantee, remedy }: { guarantee: string; remedy: string }): void {
    this.#breaches.inc({ guarantee, remedy });
  }

  callerIdle({ decision, by }: { decision: string; by: string }): void {
    this.#idle.inc({ decision, by });
  }

  /** Counts an attempt once, when it was decided. */
  transferTold({ method, outcome }: { method: string; outcome: string | undefined }): void {
    if (outcome !== undefined) this.#transfers.inc({ method, outcome });
  }

  handoffTold({ session, outcome }: { session: string | null; outcome: string }): void {
    this.#handoffs.inc({ session: session ?? 'none', outcome });
  }

  callerSpokeEndlessly(): void {
    this.#endlessSpeech.inc();
  }

  callerMurmured(): void {
    this.#murmurs.inc();
  }

  functionCalled({ outcome, durationMs }: { outcome: string; durationMs: number | undefined }): void {
    this.#functionCalls.inc({ outcome });
    if (durationMs !== undefined) this.#toolSeconds.observe(durationMs / 1_000);
  }

  callEnded(call: CallSnapshot, { reason, blame }: { reason: EndReason; blame: Blame }): void {
    this.#ended.inc({ reason: reason.kind, blame });
    const { answeredAtMs, firstAudioAtMs, endedAtMs, tokens } = call;
    if (answeredAtMs !== undefined && endedAtMs !== undefined) {
      this.#lengthSeconds.observe(Math.max(0, endedAtMs - answeredAtMs) / 1_000);
    }
    if (answeredAtMs !== undefined && firstAudioAtMs !== undefined) {
      this.#firstAudioSeconds.observe(Math.max(0, firstAudioAtMs - answeredAtMs) / 1_000);
    }
    this.#tokens.inc({ direction: 'input', kind: 'text' }, tokens.inputTextTokens);
    this.#tokens.inc({ direction: 'input', kind: 'audio' }, tokens.inputAudioTokens);
    this.#tokens.inc({ direction: 'output', kind: 'text' }, tokens.outputTextTokens);
    this.#tokens.inc({ direction: 'output', kind: 'audio' }, tokens.outputAudioTokens);
    this.#costUsd.inc(call.cost?.usd ?? 0);
    this.#media.addEnded(call.media);
  }

  #registerCalls(sources: MetricsSources): void {
    const { calls } = sources;
    this.#onScrape(
      this.#gauge('ringbridge_calls_active', 'Calls that have not ended', ['state', 'model_kind']),
      (gauge) => {
        for (const state of states) gauge.set({ state, model_kind: 'none' }, 0);
        for (const { state, modelKind = 'none' } of calls())
          if (state !== 'ended') gauge.inc({ state, model_kind: modelKind });
      },
    );
  }

  #registerCounts(sources: MetricsSources): void {
    const live = () => sources.calls().filter((call) => call.state !== 'ended');
    this.#onScrape(
      this.#counter('ringbridge_media_total', 'Packets and frames by what became of them', ['what']),
      (counter) => {
        for (const [what, count] of this.#media.counts(live())) counter.inc({ what }, count);
      },
    );
    this.#onScrape(
      this.#counter('ringbridge_media_dropped_packets_total', 'Datagrams of callers that were dropped', ['cause']),
      (counter) => {
        for (const [cause, count] of this.#media.drops(live())) counter.inc({ cause }, count);
      },
    );
    this.#onScrape(this.#counter('ringbridge_sip_total', 'What signalling counts', ['event']), (counter) => {
      for (const [event, count] of Object.entries(sources.sip())) counter.inc({ event }, Math.max(0, count));
    });
    this.#onScrape(
      this.#counter('ringbridge_tool_results_discarded_total', 'Results of tools that came to nothing', ['reason']),
      (counter) => {
        for (const [reason, count] of sources.toolDiscards?.() ?? []) counter.inc({ reason }, count);
      },
    );
    this.#onScrape(
      this.#counter('ringbridge_record_failures_total', 'Call records that could not be written', []),
      (counter) => {
        counter.inc(sources.recordFailures());
      },
    );
  }

  #registerWorkers(workers: () => readonly WorkerFigures[]): void {
    const show = (metric: Counter | Gauge, read: (figures: WorkerFigures) => number): void => {
      this.#onScrape(metric, (filled) => {
        for (const figures of workers()) filled.inc({ worker: figures.worker }, read(figures));
      });
    };
    const labels = ['worker'];
    show(this.#gauge('ringbridge_worker_up', 'Whether the worker is up', labels), ({ up }) => (up ? 1 : 0));
    show(
      this.#counter('ringbridge_worker_lost_total', 'Workers that ended although they should not have', labels),
      ({ lost }) => lost,
    );
    show(
      this.#counter('ringbridge_worker_cpu_seconds_total', 'Processor time of the worker that is there', labels),
      ({ cpuSeconds }) => cpuSeconds,
    );
    show(
      this.#gauge('ringbridge_worker_memory_bytes', 'Resident memory of the worker', labels),
      ({ memoryBytes }) => memoryBytes,
    );
  }

  #registerWaysIn(waysIn: () => readonly WayInFigures[]): void {
    const show = (metric: Counter | Gauge, read: (figures: WayInFigures) => number): void => {
      this.#onScrape(metric, (filled) => {
        for (const figures of waysIn()) filled.inc({ server: figures.name }, read(figures));
      });
    };
    const labels = ['server'];
    const [up, calls] = ['1: calls can come through this SIP server', 'Inbound calls through this SIP server'];
    show(this.#gauge('ringbridge_sip_link_up', up, labels), (one) => (one.up ? 1 : 0));
    show(this.#gauge('ringbridge_sip_link_calls', calls, labels), (one) => one.calls);
    const losses = 'Times that the connection to this SIP server broke';
    show(this.#counter('ringbridge_sip_link_losses_total', losses, labels), (one) => one.losses);
    const refused = 'Messages that were not sent because this SIP server would not survive them';
    show(this.#counter('ringbridge_sip_link_refused_messages_total', refused, labels), (one) => one.refusedMessages);
  }

  /** Fills a metric anew from its source at each scrape. */
  #onScrape<T extends Counter | Gauge>(metric: T, fill: (metric: T) => void): void {
    Object.assign(metric, {
      collect: () => {
        metric.reset();
        fill(metric);
      },
    });
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #gauge(name: string, help: string, labelNames: string[]): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.#registry] });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.#registry] });
  }
}
