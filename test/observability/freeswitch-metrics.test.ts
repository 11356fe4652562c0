import { Registry } from 'prom-client';

import { registerFreeswitchMetrics, type FreeswitchFigures } from '../../src/observability/freeswitch-metrics';

const figures = (name: string, more: Partial<FreeswitchFigures> = {}): FreeswitchFigures => {
  return { name, up: true, draining: false, channels: 0, stats: { endpointsMade: 0 }, ...more };
};

test('every FreeSWITCH is told apart, as it is at the scrape', async () => {
  const registry = new Registry();
  let servers = [figures('a:8021', { channels: 4, stats: { endpointsMade: 6, losses: 1 } }), figures('b:8021')];
  registerFreeswitchMetrics(registry, () => servers);
  const text = await registry.metrics();
  expect(text).toContain('ringbridge_freeswitch_up{server="a:8021"} 1\n');
  expect(text).toContain('ringbridge_freeswitch_channels{server="a:8021"} 4\n');
  expect(text).toContain('ringbridge_freeswitch_events_total{server="a:8021",event="endpoints-made"} 6\n');
  expect(text).toContain('ringbridge_freeswitch_events_total{server="a:8021",event="losses"} 1\n');
  expect(text).toContain('ringbridge_freeswitch_draining{server="b:8021"} 0\n');

  servers = [figures('a:8021', { up: false, draining: true })];
  const later = await registry.metrics();
  expect(later).toContain('ringbridge_freeswitch_up{server="a:8021"} 0\n');
  expect(later).toContain('ringbridge_freeswitch_draining{server="a:8021"} 1\n');
  expect(later).not.toContain('b:8021');
});
