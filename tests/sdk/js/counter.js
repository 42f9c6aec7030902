"use strict";
// The entities that the tests share.

const { EntityInstanceId, TaskEntity } = require("@microsoft/durabletask-js");

const counter = (key) => new EntityInstanceId("counter", key);
const journal = (key) => new EntityInstanceId("journal", key);

class Counter extends TaskEntity {
    initializeState() {
        return 0;
    }

    add(amount = 1) {
        return (this.state += amount);
    }

    set(value) {
        this.state = value;
    }

    get() {
        return this.state;
    }

    spoil(text) {
        this.state = -1;
        throw new RangeError(text);
    }

    relay({ to, amount, after }) {
        const options = after && { signalTime: new Date(Date.now() + after) };
        this.context.signalEntity(counter(to), "add", amount, options);
        return this.state;
    }

    launch({ name, input, instanceId }) {
        return this.context.scheduleNewOrchestration(name, input, { instanceId });
    }
}

/** Keeps what it is told, in order. */
class Journal extends TaskEntity {
    initializeState() {
        return [];
    }

    note(line) {
        this.state.push(line);
    }

    noteTime() {
        this.state.push(Date.now());
    }

    lines() {
        return this.state;
    }
}

module.exports = { counter, entities: { counter: Counter, journal: Journal }, journal };
