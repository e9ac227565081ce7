import { testNetwork } from "../conformance.ts";
import { discordHarness } from "./harness.ts";

testNetwork(discordHarness);
