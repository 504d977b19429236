import { strict as assert } from 'node:assert';
import { grows, independentReads, loadBuffering, permutes, shares, storeBuffering } from './checks.ts';

const list = (...values: number[]): Float64Array => Float64Array.from(values);

describe('checks of litmus tests', () => {
  it('find a read that goes back', () => {
    assert.equal(grows(list(0, 1, 1, 4), 'x'), undefined);
    assert.match(String(grows(list(0, 2, 1), 'x')), /x: 1 at 2, after 2/);
  });

  it('find two stores that each passed the other’s load', () => {
    // In order: x = 1, y = 1, both read 1.
    assert.deepEqual(storeBuffering(list(1), list(1)), []);
    // Hart 0 first: it reads 0, hart 1 must read 1.
    assert.deepEqual(storeBuffering(list(0), list(1)), []);
    assert.deepEqual(storeBuffering(list(0), list(0)), [1]);
    // Third of hart 0 against second of hart 1.
    assert.deepEqual(storeBuffering(list(0, 0, 1), list(2, 2)), [3]);
    assert.deepEqual(storeBuffering(list(0, 0, 1), list(2, 3)), []);
  });

  it('find two loads that each saw the other’s later store', () => {
    assert.deepEqual(loadBuffering(list(0, 1), list(0, 2)), []);
    assert.deepEqual(loadBuffering(list(1), list(1)), [1]);
    assert.deepEqual(loadBuffering(list(0, 2), list(0, 2)), [2]);
  });

  it('find readers that disagree on an order', () => {
    assert.equal(independentReads(list(1, 0, 1, 1), list(0, 0, 1, 1)), undefined);
    // The first: x was 1 before y was; the second: y was 1 before x was.
    assert.match(String(independentReads(list(1, 0), list(1, 0))), /x 1, y 0/);
    assert.match(String(independentReads(list(0, 0, 5, 2, 6, 9), list(0, 0, 2, 4, 3, 4))), /x 5, y 2/);
  });

  it('find numbers that two harts got, or none', () => {
    assert.equal(shares([list(0, 3), list(1, 2)]), undefined);
    assert.match(String(shares([list(0, 2), list(1, 2)])), /harts 0 and 1 both got 2/);
    assert.match(String(shares([list(0, 1), list(1, 4)])), /both got 1/);
    assert.match(String(shares([list(0, 4), list(1, 2)])), /got 4 of 4/);
    assert.match(String(shares([list(3, 0), list(1, 2)])), /hart 0: 0 at 1/);
  });

  it('find what was lost on the way', () => {
    assert.equal(permutes([1, 2, 2], [2, 1, 2]), undefined);
    assert.match(String(permutes([1, 2], [1, 1])), /1 came out more often/);
    assert.match(String(permutes([1, 2], [1])), /2 was lost/);
  });
});
