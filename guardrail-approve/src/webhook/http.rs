//! The one who posts, with TLS and the roots of Mozilla's programme.

use std::time::Duration;

use super::post::Post;

/// Posts over HTTP and HTTPS. It follows no redirection. A proxy is that of the environment
/// (`HTTPS_PROXY`); what goes through it stays encrypted.
#[derive(Clone, Debug)]
pub struct Http {
    agent: ureq::Agent,
}

impl Default for Http {
    fn default() -> Self {
        let config = ureq::Agent::config_builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent("guardrail")
            .build();
        Self { agent: config.into() }
    }
}

impl Post for Http {
    fn post(
        &self,
        address: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        within: Duration,
    ) -> Result<u16, String> {
        let request = self.agent.post(address).config().timeout_global(Some(within)).build();
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        match request.send(body) {
            Ok(response) => Ok(response.status().as_u16()),
            Err(error) => Err(error.to_string()),
        }
    }
}
