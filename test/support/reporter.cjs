const { Runner, reporters } = require('mocha');

/** Mocha's `spec`, and why a test had to be tried again: the later try may pass, or fail of what the first left behind. */
module.exports = class extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.on(Runner.constants.EVENT_TEST_RETRY, (test, error) => {
      reporters.Base.consoleLog(`    tried again: ${test.fullTitle()}\n${error.stack ?? error.message}\n`);
    });
  }
};
