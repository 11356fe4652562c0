import { startingPlan } from '../../src/dialplan/starting-plan';
import { planOf } from './plan-of';

test.each(['UTC', 'Asia/Tokyo'])('the opening hours are those of the time zone that is named: %s', async (timeZone) => {
  const plan = await planOf(Object.fromEntries(startingPlan({ timeZone })));
  expect(plan.schedules.get('office')?.clock.timeZone).toBe(timeZone);
});
