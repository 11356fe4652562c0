import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

/** One FreeSWITCH as this process sees it. */
export interface FreeswitchFigures {
  /** `HOST:PORT` of its event socket. */
  readonly name: string;
  readonly up: boolean;
  /** It gets no new calls: paused there, or drained by us. */
  readonly draining: boolean;
  /** Channels of ours; a call has two. */
  readonly channels: number;
  /** How often what happened: `connects`, `losses`, `endpointsMade` ... They only grow. */
  readonly stats: Readonly<Record<string, number>>;
}

/** What Prometheus may ask about the FreeSWITCH servers; asked at each scrape. */
export function registerFreeswitchMetrics(registry: Registry, servers: () => readonly FreeswitchFigures[]): void {
  const gauge = (name: string, help: string, read: (figures: FreeswitchFigures) => number): void => {
    new Gauge({
      name,
      help,
      labelNames: ['server'],
      registers: [registry],
      collect() {
        this.reset();
        for (const figures of servers()) this.set({ server: figures.name }, read(figures));
      },
    });
  };
  gauge('ringbridge_freeswitch_up', '1: this FreeSWITCH can be used', ({ up }) => (up ? 1 : 0));
  gauge('ringbridge_freeswitch_draining', '1: this FreeSWITCH gets no new calls', ({ draining }) => (draining ? 1 : 0));
  gauge('ringbridge_freeswitch_channels', 'Our channels on this FreeSWITCH', ({ channels }) => channels);
  new Counter({
    name: 'ringbridge_freeswitch_events_total',
    help: 'What happened with this FreeSWITCH',
    labelNames: ['server', 'event'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { name, stats } of servers()) {
        for (const [key, count] of Object.entries(stats)) this.inc({ server: name, event: kebabCase(key) }, count);
      }
    },
  });
}

function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
