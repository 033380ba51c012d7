//! The checks of a deployed stack with CloudWatch and Lambda. Its alarms must exist, notify a topic
//! and be silent. The account must be able to run enough calls at once.

use serde_json::{Value, json};
use shared::aws::{Account, ServiceError};
use shared::env::Timestamp;

use super::{Finding, check, text};

/// The alarms of `template.yaml` that every stack has.
const ALARMS: [&str; 22] = [
    "AuditFaultsAlarm",
    "AuditUnverifiedAlarm",
    "AvailabilityFastBurnAlarm",
    "AvailabilitySlowBurnAlarm",
    "ErasureAgeAlarm",
    "EventsDelayAlarm",
    "GatewayThrottlesAlarm",
    "ImportAgeAlarm",
    "IndexWriteThrottlesAlarm",
    "LatencyAlarm",
    "MailAgeAlarm",
    "MailerErrorsAlarm",
    "MailerSilentAlarm",
    "StreamErrorsAlarm",
    "StreamSilentAlarm",
    "SweeperDroppedAlarm",
    "SweeperErrorsAlarm",
    "SweeperSilentAlarm",
    "TableReadThrottlesAlarm",
    "TableWriteThrottlesAlarm",
    "ThrottlesAlarm",
    "UntoldAlarm",
];
/// How long an alarm may be without data, in seconds. A new one has none for some minutes.
const WITHOUT_DATA: i64 = 3600;
/// The most pages of alarms that are read.
const PAGES: usize = 10;

/// A deployed stack as CloudWatch and Lambda know it.
pub(super) struct Stack<'a> {
    pub(super) account: &'a Account,
    /// The ARN of the table, for its partition and region.
    pub(super) arn: &'a str,
    pub(super) name: &'a str,
    /// The concurrent executions that the account has to allow.
    pub(super) concurrency: u64,
}

/// An alarm, by its name in the template.
struct Alarm<'a> {
    name: &'a str,
    state: &'a Value,
}

impl Stack<'_> {
    /// Checks alarms and concurrency.
    pub(super) async fn check(&self, now: Timestamp, findings: &mut Vec<Finding>) {
        match self.alarms().await {
            Ok(states) => {
                let alarms = self.own(&states);
                check(findings, "alarms", silent(&alarms, now));
                check(findings, "alarm topic", audible(&alarms));
            }
            Err(error) => {
                check(findings, "alarms", Err(explain(&error, "cloudwatch:DescribeAlarms")));
            }
        }
        check(findings, "concurrency", self.concurrency().await);
    }

    async fn alarms(&self) -> Result<Vec<Value>, ServiceError> {
        const OPERATION: &str = "GraniteServiceVersion20100801.DescribeAlarms";
        let service = self.account.service("monitoring", self.arn);
        let prefix = format!("{}-", self.name);
        let mut body = json!({ "AlarmNamePrefix": prefix, "AlarmTypes": ["MetricAlarm"] });
        let mut found = Vec::new();
        for _ in 0..PAGES {
            let mut page = service.call("1.0", OPERATION, &body).await?;
            if let Some(Value::Array(alarms)) = page.get_mut("MetricAlarms").map(Value::take) {
                found.extend(alarms);
            }
            let Some(next) = page.get("NextToken").filter(|next| next.is_string()) else { break };
            if let Some(body) = body.as_object_mut() {
                body.insert("NextToken".to_owned(), next.clone());
            }
        }
        Ok(found)
    }

    /// The alarms of this stack: another one's name may begin with this one's.
    fn own<'s>(&self, states: &'s [Value]) -> Vec<Alarm<'s>> {
        let own = states.iter().filter_map(|state| {
            let name = text(state, "AlarmName").strip_prefix(self.name)?.strip_prefix('-')?;
            let name = name.split('-').next().unwrap_or(name);
            name.ends_with("Alarm").then_some(Alarm { name, state })
        });
        own.collect()
    }

    async fn concurrency(&self) -> Result<String, String> {
        let service = self.account.service("lambda", self.arn);
        let settings = service.get("/2016-08-19/account-settings/").await;
        let settings = settings.map_err(|error| explain(&error, "lambda:GetAccountSettings"))?;
        let limit = settings.pointer("/AccountLimit/ConcurrentExecutions").and_then(Value::as_u64);
        match limit {
            Some(limit) if limit >= self.concurrency => Ok(format!("{limit} calls at once")),
            Some(limit) => Err(format!(
                "the account runs {limit} calls at once, and then refuses more; ask for {} in \
                 Service Quotas, or set ThrottlingBurst below {limit} and use --concurrency {limit}",
                self.concurrency
            )),
            None => Err("Lambda does not say how many calls the account runs at once".to_owned()),
        }
    }
}

/// Whether all alarms are there, none rings, and none waits for data.
fn silent(alarms: &[Alarm<'_>], now: Timestamp) -> Result<String, String> {
    let missing: Vec<_> =
        ALARMS.into_iter().filter(|name| alarms.iter().all(|alarm| alarm.name != *name)).collect();
    if !missing.is_empty() {
        return Err(format!("missing: {}; check --stack, or deploy again", missing.join(", ")));
    }
    let ring = named(alarms, |alarm| text(alarm.state, "StateValue") == "ALARM");
    if !ring.is_empty() {
        return Err(format!("{ring} rings; see docs/operating/alarms.md"));
    }
    let blind = named(alarms, |alarm| {
        let since = alarm.state.get("StateUpdatedTimestamp").and_then(seconds);
        text(alarm.state, "StateValue") == "INSUFFICIENT_DATA"
            && since.is_some_and(|since| now.seconds() - since > WITHOUT_DATA)
    });
    if !blind.is_empty() {
        return Err(format!("no data for more than an hour: {blind}"));
    }
    Ok(format!("{} exist, none rings", alarms.len()))
}

/// Whether each alarm notifies a topic. Alarms of gradual deployments stop a deployment instead.
fn audible(alarms: &[Alarm<'_>]) -> Result<String, String> {
    let mute = named(alarms, |alarm| {
        let actions = alarm.state.get("AlarmActions").and_then(Value::as_array);
        let enabled = alarm.state.get("ActionsEnabled").and_then(Value::as_bool).unwrap_or(true);
        !alarm.name.ends_with("DeploymentAlarm") && (!enabled || actions.is_none_or(Vec::is_empty))
    });
    if mute.is_empty() {
        Ok("each alarm has one".to_owned())
    } else {
        Err(format!("{mute}: notifies nobody; set the parameter AlarmTopicArn"))
    }
}

fn named(alarms: &[Alarm<'_>], which: impl Fn(&Alarm<'_>) -> bool) -> String {
    let names: Vec<_> =
        alarms.iter().filter(|alarm| which(alarm)).map(|alarm| alarm.name).collect();
    names.join(", ")
}

/// A time of the JSON protocol: seconds since 1970; some engines write RFC 3339.
fn seconds(time: &Value) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "a whole second is enough")]
    let number = time.as_f64().map(|seconds| seconds as i64);
    number.or_else(|| Some(Timestamp::parse(time.as_str()?)?.seconds()))
}

fn explain(error: &ServiceError, right: &str) -> String {
    match error {
        ServiceError::Refused(code) => format!("{code}; your credentials need the right {right}"),
        ServiceError::Unavailable(_) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;
    use axum::Router;
    use axum::routing::{get, post};
    use shared::env::Clock;
    use shared::https::Trust;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_255_200_000);

    /// An alarm of a healthy stack.
    fn healthy(name: &str) -> Value {
        json!({
            "AlarmName": format!("kith-{name}-1A2B"), "ActionsEnabled": true,
            "AlarmActions": ["arn:aws:sns:us-east-1:123456789012:alarms"], "StateValue": "OK",
            "StateUpdatedTimestamp": 1_795_255_000.5,
        })
    }

    fn all() -> Vec<Value> {
        ALARMS.into_iter().map(healthy).collect()
    }

    /// The checks that fail on an account with these alarms and this limit.
    async fn wrong(alarms: Vec<Value>, limit: u64) -> Vec<String> {
        // Two pages, the second one of another stack as well.
        let describe = async move |body: String| {
            let body: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(body["AlarmNamePrefix"], "kith-");
            let (first, second) = alarms.split_at(alarms.len() / 2);
            let other = json!({ "AlarmName": "kith-two-LatencyAlarm-1", "StateValue": "ALARM" });
            let second = [second, &[other]].concat();
            let page = if body["NextToken"] == "2" {
                json!({ "MetricAlarms": second })
            } else {
                json!({ "MetricAlarms": first, "NextToken": "2" })
            };
            page.to_string()
        };
        let settings = json!({ "AccountLimit": { "ConcurrentExecutions": limit } }).to_string();
        let router = Router::new()
            .route("/", post(describe))
            .route("/2016-08-19/account-settings/", get(async || settings));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await });
        let credentials = Credentials::new("id", "secret", None, None, "test");
        let account =
            Account::new(Trust::Amazon, credentials, Clock::stopped_at(NOW), Some(url)).unwrap();
        let arn = "arn:aws:dynamodb:us-east-1:123456789012:table/kith";
        let stack = Stack { account: &account, arn, name: "kith", concurrency: 1000 };
        let mut findings = Vec::new();
        stack.check(NOW, &mut findings).await;
        let wrong =
            |finding: Finding| Some(format!("{}: {}", finding.check, finding.result.err()?));
        findings.into_iter().filter_map(wrong).collect()
    }

    #[tokio::test]
    async fn a_healthy_stack_passes() {
        assert_eq!(wrong(all(), 1000).await, [""; 0]);
        let mut gradual = all();
        let mut deployment = healthy("TokenDeploymentAlarm");
        deployment["AlarmActions"] = json!([]);
        gradual.push(deployment);
        assert_eq!(wrong(gradual, 1000).await, [""; 0]);
        let mut new = all();
        new[0]["StateValue"] = "INSUFFICIENT_DATA".into();
        assert_eq!(wrong(new, 1000).await, [""; 0]);
    }

    #[tokio::test]
    async fn each_fault_of_a_stack_is_named() {
        let mut one_less = all();
        one_less.retain(|alarm| alarm["AlarmName"] != "kith-ErasureAgeAlarm-1A2B");
        assert_eq!(
            wrong(one_less, 1000).await,
            ["alarms: missing: ErasureAgeAlarm; check --stack, or deploy again"]
        );
        let mut ringing = all();
        ringing[4]["StateValue"] = "ALARM".into();
        assert_eq!(
            wrong(ringing, 1000).await,
            ["alarms: ErasureAgeAlarm rings; see docs/operating/alarms.md"]
        );
        let mut blind = all();
        blind[2]["StateValue"] = "INSUFFICIENT_DATA".into();
        blind[2]["StateUpdatedTimestamp"] = "2026-11-21T08:59:59Z".into();
        assert_eq!(
            wrong(blind, 1000).await,
            ["alarms: no data for more than an hour: AvailabilityFastBurnAlarm"]
        );
        let mut mute = all();
        mute[2]["AlarmActions"] = json!([]);
        mute[3]["ActionsEnabled"] = json!(false);
        assert_eq!(
            wrong(mute, 1000).await,
            [
                "alarm topic: AvailabilityFastBurnAlarm, AvailabilitySlowBurnAlarm: notifies nobody; \
              set the parameter AlarmTopicArn"
            ]
        );
        assert_eq!(
            wrong(all(), 10).await,
            [
                "concurrency: the account runs 10 calls at once, and then refuses more; ask for 1000 \
              in Service Quotas, or set ThrottlingBurst below 10 and use --concurrency 10"
            ]
        );
    }

    #[test]
    fn the_alarms_are_those_of_the_template() {
        let template = include_str!("../../../../../template.yaml");
        let lines: Vec<_> = template.lines().collect();
        let named = lines.windows(3).filter_map(|lines| {
            let name = lines[0].strip_prefix("  ")?.strip_suffix("Alarm:")?;
            let always = lines[1].ends_with("AWS::CloudWatch::Alarm")
                && !lines[2].starts_with("    Condition:");
            always.then(|| format!("{name}Alarm"))
        });
        let mut named: Vec<_> = named.collect();
        named.sort();
        assert_eq!(named, ALARMS);
    }
}
