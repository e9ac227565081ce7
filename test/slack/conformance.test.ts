import { testNetwork } from "../conformance.ts";
import { slackHarness } from "./harness.ts";

testNetwork(slackHarness("socket"));
testNetwork(slackHarness("http"));
