//! What Prometheus is told.

use std::time::Duration;

use prometheus::{
    Encoder, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts,
    Registry, TextEncoder, core::Collector,
};

use crate::step::Reports;

/// The content type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// The counters of this process, and what the init steps have reported.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    orders: IntCounter,
    step_seconds: GaugeVec,
    step_success: IntGaugeVec,
    step_attempts: IntGaugeVec,
}

impl Metrics {
    /// # Errors
    ///
    /// Only a mistake in the names of metrics.
    pub fn new() -> prometheus::Result<Self> {
        let step = &["step"];
        let metrics = Self {
            registry: Registry::new(),
            requests: IntCounterVec::new(
                Opts::new(
                    "http_requests_total",
                    "Requests answered, by method, route and status.",
                ),
                &["method", "route", "code"],
            )?,
            seconds: HistogramVec::new(
                HistogramOpts::new("http_request_duration_seconds", "Time to answer a request."),
                &["method", "route"],
            )?,
            orders: IntCounter::new("order_food_orders_total", "Orders placed.")?,
            step_seconds: GaugeVec::new(
                Opts::new(
                    "order_food_init_step_duration_seconds",
                    "How long an init step took the last time it ran.",
                ),
                step,
            )?,
            step_success: IntGaugeVec::new(
                Opts::new(
                    "order_food_init_step_success",
                    "Whether an init step succeeded the last time it ran.",
                ),
                step,
            )?,
            step_attempts: IntGaugeVec::new(
                Opts::new(
                    "order_food_init_step_attempts",
                    "How often an init step has run in this pod.",
                ),
                step,
            )?,
        };
        let collectors: [Box<dyn Collector>; 6] = [
            Box::new(metrics.requests.clone()),
            Box::new(metrics.seconds.clone()),
            Box::new(metrics.orders.clone()),
            Box::new(metrics.step_seconds.clone()),
            Box::new(metrics.step_success.clone()),
            Box::new(metrics.step_attempts.clone()),
        ];
        for collector in collectors {
            metrics.registry.register(collector)?;
        }
        Ok(metrics)
    }

    pub fn answered(&self, method: &str, route: &str, code: u16, took: Duration) {
        let code = code.to_string();
        self.requests
            .with_label_values(&[method, route, code.as_str()])
            .inc();
        self.seconds
            .with_label_values(&[method, route])
            .observe(took.as_secs_f64());
    }

    pub fn ordered(&self) {
        self.orders.inc();
    }

    /// Returns all metrics in the text format.
    ///
    /// # Errors
    ///
    /// Those of the encoder, which has none for metrics that were registered.
    pub fn text(&self, reports: &Reports) -> prometheus::Result<Vec<u8>> {
        for report in reports.read() {
            let step = &[report.step.as_str()];
            self.step_seconds
                .with_label_values(step)
                .set(report.seconds);
            self.step_success
                .with_label_values(step)
                .set(i64::from(report.success));
            self.step_attempts
                .with_label_values(step)
                .set(i64::try_from(report.attempts).unwrap_or(i64::MAX));
        }
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}
